#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "pack_kernel.h"
#include "winograd_kernel.h"

WINOGRAD_KERNELS(portable)
WINOGRAD_PACK_KERNELS(portable)
