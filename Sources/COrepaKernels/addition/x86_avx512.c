#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "addition_kernel.h"

OREPA_ADDITION_KERNEL(avx512)

#pragma clang attribute pop
#endif
