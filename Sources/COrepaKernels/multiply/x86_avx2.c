#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#define OREPA_MULTIPLY_UNROLL 4
#include "multiply_kernel.h"

// 16 registers: 12 sums, the weights of one input channel (two registers), one input value.
OREPA_MULTIPLY_KERNEL(6x1_step16, avx2, 6, 1, 16)
OREPA_MULTIPLY_KERNEL(6x1_step32, avx2, 6, 1, 32)
OREPA_MULTIPLY_KERNEL(6x1_any, avx2, 6, 1, call->step)

#pragma clang attribute pop
#endif
