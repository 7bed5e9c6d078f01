#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#include "grouped_kernel.h"

// 16 registers: 4 sums of two registers, input values; weights partly from memory.
GROUPED_KERNELS(avx2, 4)

#pragma clang attribute pop
#endif
