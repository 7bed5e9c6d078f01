#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#define OREPA_LANES 8
#include "grouped_kernel.h"

// 16 registers: 7 sums, three of weights, input values. Rows of the known networks are multiples of 7.
OREPA_GROUPED_KERNELS(avx2, 7)

#pragma clang attribute pop
#endif
