#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "pooling_kernel.h"

OREPA_POOLING_KERNELS(avx512)

#pragma clang attribute pop
#endif
