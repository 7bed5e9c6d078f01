#include "../kernels.h"

#define OREPA_FMA_IN_SOFTWARE !OREPA_BASELINE_FMA
#include "multiply_kernel.h"

// NEON has 32 registers of 4 floats: 24 sums, 4 of weights, one input value.
OREPA_MULTIPLY_KERNEL(6x1_any, portable, 6, 1, call->step)
