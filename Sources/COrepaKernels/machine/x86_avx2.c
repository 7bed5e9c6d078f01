#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#include "machine_kernel.h"

// 16 registers: 6 sums of two registers, the factor.
OREPA_MACHINE_KERNELS(avx2, 6)

#pragma clang attribute pop
#endif
