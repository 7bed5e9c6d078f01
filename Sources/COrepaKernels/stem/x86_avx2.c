#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#include "stem_kernel.h"

OREPA_STEM_KERNELS(avx2)

#pragma clang attribute pop
#endif
