#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "grouped_kernel.h"

// NEON has 32 registers of 4 floats: 4 sums of four.
OREPA_GROUPED_KERNELS(portable, 4)
