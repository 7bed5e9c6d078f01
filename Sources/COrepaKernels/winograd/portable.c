#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "winograd_kernel.h"

WINOGRAD_KERNELS(portable)
