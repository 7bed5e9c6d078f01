// The contract of the addition kernel.
#ifndef OREPA_ADDITION_KERNELS_H
#define OREPA_ADDITION_KERNELS_H

#include <stdint.h>

// output[i] = a[i] + b[i] for i < pixels * 16, then max(0, x), which keeps NaN, if relu. All aligned to
// 64 bytes; output may be a or b.
typedef void orepa_addition_row_kernel(
    const float *a, const float *b, float *output, int32_t pixels, int32_t relu);

#endif
