// The contracts of the kernels for 7x7 convolutions of stride 2 on planar inputs, and their arithmetic.
//
// A strip is 4 output rows; it sees 13 input rows. Vertically, even rows meet the taps 0, 2, 4, 6 and odd rows
// the taps 1, 3, 5: an F(4,4) at the points 0, 1, -1, 2, -2, infinity and 1/2, and an F(4,3) at all of these
// but 1/2. A strip's products at a point are sums over even and odd rows of every channel and over the
// kernel's columns: 7 points with 42 or, at 1/2, 21 products per three channels, where direct sums take
// 4 times 147.
#ifndef OREPA_STEM_H
#define OREPA_STEM_H

#include <stdint.h>

enum {
    OREPA_STEM_KERNEL = 7,
    OREPA_STEM_ROWS = 4,          // output rows of a strip
    OREPA_STEM_POINTS = 7,
    OREPA_STEM_HALF = 6,          // the point that only even rows have
    OREPA_STEM_INPUT_ROWS = 2 * (OREPA_STEM_ROWS - 1) + OREPA_STEM_KERNEL,
};

// The vertical transform of one channel: for x < count,
//
//   even[q * point + x] = sum over r of B44[q][r] * input[2 * r * input_row + x]           q < 7
//   odd[q * point + x]  = sum over r of B43[q][r] * input[(2 * r + 1) * input_row + x]     q < 6
//
// count is at least 16. Nothing needs alignment.
typedef struct {
    const float *input;
    float *even, *odd;
    int64_t input_row, point;
    int32_t count;
} orepa_stem_input_call;

typedef void orepa_stem_input_kernel(const orepa_stem_input_call *call);

// The way back, for `pixels` pixels of one block of 16 output channels: for first <= k < 4,
//
//   output[k * output_row + i * 16 + c] = activation(bias[c] + sum over q of A[k][q] * products[q * point + i * 16 + c])
//
// All aligned to 64 bytes.
typedef struct {
    const float *products, *bias;
    float *output;
    int64_t point, output_row;
    int32_t pixels, first, relu;
} orepa_stem_output_call;

typedef void orepa_stem_output_kernel(const orepa_stem_output_call *call);

#endif
