#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "machine_kernel.h"

OREPA_MACHINE_KERNELS(avx512, 12)

#pragma clang attribute pop
#endif
