#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "machine_kernel.h"

// NEON has 32 registers of 4 floats: 6 sums of four.
OREPA_MACHINE_KERNELS(portable, 6)
