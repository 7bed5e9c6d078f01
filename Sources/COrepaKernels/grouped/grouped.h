// The contract of the grouped convolution kernels: 3x3, groups of 4 or 8 channels, so that a block of 16
// channels is whole groups and sees only the input block of its own number.
#ifndef OREPA_GROUPED_H
#define OREPA_GROUPED_H

#include <stdint.h>

// One output row of one block of 16 channels, groups of `width` channels (the kernel's):
//
//   output[i * 16 + o] = activation(residual + bias[o]
//       + sum of weights[y][k][x][o] * input[y * input_row + (i * stride + x) * 16 + o / width * width + k])
//
// over rows y < 3, channels k < width and columns x < 3 in that order, innermost last: one chain of fused
// multiply-adds from the bias on; the residual is added at the end, then ReLU, which keeps NaN, is applied.
// All aligned to 64 bytes.
typedef struct {
    const float *input, *weights, *bias;
    const float *residual;   // NULL: none. May be the output itself
    float *output;
    int64_t input_row;
    int32_t pixels, relu;
} orepa_grouped_call;

typedef void orepa_grouped_kernel(const orepa_grouped_call *call);

#endif
