// The contracts of the pooling kernels.
#ifndef OREPA_POOLING_KERNELS_H
#define OREPA_POOLING_KERNELS_H

#include <stdint.h>

// One output row of one block of 16 channels:
//
//   output[x * 16 + c] = max of input[r * input_row + u * 16 + c]
//       over r < rows and max(0, x * stride - padding) <= u < min(width, x * stride - padding + kernel)
//
// for x < outputs. NaN wins. The caller has clipped the rows; no window is empty.
typedef struct {
    const float *input;   // aligned to 64 bytes, as is output
    float *output;
    int64_t input_row;
    int32_t rows, width, outputs, kernel, stride, padding;
} orepa_max_pool_call;

typedef void orepa_max_pool_row_kernel(const orepa_max_pool_call *call);

// The means of `blocks` blocks of 16 channels:
//
//   output[b * output_plane + c] = (start + sum of input[b * input_plane + y * input_row + x * 16 + c]) / count
//
// summed over y < height and x < width, x innermost, in one chain that starts from output where goes_on says so, else
// from zero. A count of 1 leaves the sum as it is.
typedef struct {
    const float *input;   // aligned to 64 bytes, as is output
    float *output;
    int64_t input_row, input_plane, output_plane;
    int32_t blocks, height, width, goes_on;
    float count;
} orepa_average_pool_call;

typedef void orepa_average_pool_kernel(const orepa_average_pool_call *call);

#endif
