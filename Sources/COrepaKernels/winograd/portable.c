#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "pack_kernel.h"
#include "winograd_kernel.h"

OREPA_WINOGRAD_KERNELS(portable)
OREPA_WINOGRAD_PACK_KERNELS(portable)
