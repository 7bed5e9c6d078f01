// The contract of the kernels that multiply inputs by weights. Direct convolutions are computed by them, and products of
// Winograd's and the stem's transformed inputs, which are direct convolutions of other maps.
#ifndef OREPA_MULTIPLY_H
#define OREPA_MULTIPLY_H

#include <stddef.h>
#include <stdint.h>

// Tiles of one output row, one after the other: each is `pixels` neighbouring outputs of `blocks` blocks of 16 output
// channels.
//
//   output[j * output_plane + i * 16 + o] = activation(residual + bias[j * 16 + o]
//       + sum of weights[..., j * 16 + o] * input[p * input_plane + y * input_row + s * 16 + i * step + k])
//
// over planes p < planes, rows y < rows, segments s and channels k in that order, innermost last, where a
// plane has 1 segment of `length` floats, and the last one `last_segments` of `last_length`. The sum starts from
// the bias and is one chain of fused multiply-adds in the order of the weights; the residual is added to
// it at the end, then ReLU, which keeps NaN, is applied.
//
// A full block of 16 channels is one segment: its kernel columns and channels lie one after the other in
// memory. A block with fewer channels has one segment for each kernel column, of that many floats.
// In a planar input a plane is a channel, and one segment runs over the kernel's columns.
typedef struct {
    const float *input;       // first float under the kernel's first tap, for the first tile's pixel 0
    const float *weights;     // [all products][blocks][16], in the sum's order; aligned to 64 bytes
    const float *bias;        // [blocks][16], aligned to 64 bytes; NULL: zero
    const float *residual;    // like output; NULL: none. May be the output itself
    float *output;            // aligned to 64 bytes
    // What may be prefetched meanwhile, at any address. Kernels that take all pixels of a tile in one pass: into L1 or
    // only L2, what lies stream_ahead bytes beyond the weight in use. Others: from `ahead` on, ahead_step bytes for two
    // products, and ahead_tile floats further on for the next tile.
    int64_t stream_ahead;
    const float *ahead;
    int64_t ahead_step, ahead_tile;
    int64_t input_row, input_plane, output_plane, residual_plane;
    int64_t step;             // floats from one output's input to the next one's
    int32_t planes, rows, length, last_segments, last_length;
    int32_t relu, stream_into_l1;
} orepa_multiply_call;

// The most sums of 16 lanes that a kernel holds in registers.
enum { OREPA_MULTIPLY_MOST_SUMS = 28 };

// Computes `tiles` tiles of 1 <= pixels <= the row's `pixels`. Reads nothing beyond the loop equation (but
// prefetches past the weights and input).
typedef void orepa_multiply_kernel(const orepa_multiply_call *call, int32_t pixels, int32_t tiles);

#endif
