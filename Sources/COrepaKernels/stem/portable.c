#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "stem_kernel.h"

OREPA_STEM_KERNELS(portable)
