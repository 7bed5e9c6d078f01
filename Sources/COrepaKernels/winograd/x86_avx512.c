#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX512, apply_to = function)
#include "pack_kernel.h"
#include "winograd_kernel.h"

OREPA_WINOGRAD_KERNELS(avx512)
OREPA_WINOGRAD_PACK_KERNELS(avx512)

#pragma clang attribute pop
#endif
