#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "addition_kernel.h"

OREPA_ADDITION_KERNEL(portable)
