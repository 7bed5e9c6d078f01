#include "../kernels.h"

#if OREPA_X86_64
#pragma clang attribute push(OREPA_TARGET_AVX2, apply_to = function)
#define OREPA_LANES 8
#include "pack_kernel.h"
#include "winograd_kernel.h"

OREPA_WINOGRAD_KERNELS(avx2)
OREPA_WINOGRAD_PACK_KERNELS(avx2)

#pragma clang attribute pop
#endif
