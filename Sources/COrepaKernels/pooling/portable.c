#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "pooling_kernel.h"

OREPA_POOLING_KERNELS(portable)
