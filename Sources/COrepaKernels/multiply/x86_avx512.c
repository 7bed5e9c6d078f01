#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "multiply_kernel.h"

// 32 registers: 28 or 27 sums, the weights of one input channel, one input value.
OREPA_MULTIPLY_KERNEL(28x1_step16, avx512, 28, 1, 16)
OREPA_MULTIPLY_KERNEL(14x2_step16, avx512, 14, 2, 16)
OREPA_MULTIPLY_KERNEL(9x3_step16, avx512, 9, 3, 16)
OREPA_MULTIPLY_KERNEL(6x4_step16, avx512, 6, 4, 16)
OREPA_MULTIPLY_KERNEL(28x1_step32, avx512, 28, 1, 32)
OREPA_MULTIPLY_KERNEL(14x2_step32, avx512, 14, 2, 32)
OREPA_MULTIPLY_KERNEL(9x3_step32, avx512, 9, 3, 32)
OREPA_MULTIPLY_KERNEL(14x1_any, avx512, 14, 1, call->step)
OREPA_MULTIPLY_KERNEL(14x2_any, avx512, 14, 2, call->step)
OREPA_MULTIPLY_KERNEL(9x3_any, avx512, 9, 3, call->step)
OREPA_MULTIPLY_KERNEL(6x4_any, avx512, 6, 4, call->step)

#pragma clang attribute pop
#endif
