#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "grouped_kernel.h"

// 32 registers: 14 sums, three of weights, input values.
OREPA_GROUPED_KERNELS(avx512, 14)

#pragma clang attribute pop
#endif
