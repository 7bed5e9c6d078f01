// The contracts of the Winograd kernels, and how a layer is cut into tiles.
//
// Stride 1: F(4,3) evaluates at the points 0, 1, -1, 2, -2 and infinity. Tiles of 3, 2 and 1 outputs use the
// first points of that list, and infinity. Their transformed weights are those of F(4,3) up to a factor for
// each point, and that factor is put into the input transform: so tiles of every size share one weight set.
//
// Stride 2: outputs see even pixels with the first and last tap and odd pixels with the middle one. The even
// ones are an F(4,2), at 0, 1, -1, 2 and infinity, whose smaller tiles share its weights in the same way; the
// odd ones are multiplied as they are, one for each output.
//
// So in each dimension there are six kinds of weights, and 36 positions:
//
//   kind        0   1   2   3   4    5
//   stride 1    0   1  -1   2  -2   inf
//   stride 2    0   1  -1   2  inf  odd pixels
//
// A tile has one entry of each kind that it uses, and one for each output of odd pixels.
#ifndef OREPA_WINOGRAD_H
#define OREPA_WINOGRAD_H

#include <stdint.h>

#include "orepa_convolution.h"

enum {
    OREPA_WINOGRAD_ODD = 5,       // the kind of stride 2 that is no point
};

// Transforms a row of tiles of one block of 16 channels, m outputs wide each and `height` outputs high. A tile
// sees (stride * (m - 1) + 3) by (stride * (height - 1) + 3) input pixels, and the next one begins stride * m
// pixels on. Where B is the transform of winograd_kernel.h,
//
//   position[i * 6 + j] + (row entry of i) * entry_row[j] + (entry of j) * 16 + c =
//       sum over y, x of B[height][i][y] * B[m][j][x] * input pixel (y, x)
//
// Entries of a kind are counted over all tiles of the row: one for each tile that uses it, or of odd pixels
// one for each output.
typedef struct {
    const float *input;   // pixel (0, 0) of tile 0; aligned to 64 bytes, as are the positions
    int64_t input_row;
    float *position[OREPA_WINOGRAD_POSITIONS];
    int64_t entry_row[OREPA_WINOGRAD_KINDS];
    orepa_winograd_split columns;
    int32_t height;
} orepa_winograd_input_call;

typedef void orepa_winograd_input_kernel(const orepa_winograd_input_call *call);

// The way back for a row of tiles of one block of 16 output channels: output pixel (y, x) of a tile is
//
//   activation(residual + (bias + sum over i, j of A[height][y][i] * A[m][x][j] * (position, as above)))
typedef struct {
    const float *position[OREPA_WINOGRAD_POSITIONS];
    int64_t entry_row[OREPA_WINOGRAD_KINDS];
    const float *bias;       // [16]
    const float *residual;   // like output; NULL: none. May be the output itself
    float *output;           // pixel (0, 0) of tile 0; all aligned to 64 bytes
    int64_t output_row, residual_row;
    orepa_winograd_split columns;
    int32_t height;
    int32_t relu;
} orepa_winograd_output_call;

typedef void orepa_winograd_output_kernel(const orepa_winograd_output_call *call);

// Transforms the weights of one block of 16 output channels, in double precision, rounded once: for each used
// position
//
//   position[i * 6 + j] + channel * step[i * 6 + j] + lane =
//       sum over y, x of G[i][y] * G[j][x] * weights[lane * lane_step + channel * 9 + y * 3 + x]
//
// Lanes from `lanes` on are zero.
typedef struct {
    const float *weights;
    int64_t lane_step;
    int32_t lanes, channels;
    float *position[OREPA_WINOGRAD_POSITIONS];   // NULL: not used; else aligned to 64 bytes
    int32_t step[OREPA_WINOGRAD_POSITIONS];
} orepa_winograd_pack_call;

typedef void orepa_winograd_pack_kernel(const orepa_winograd_pack_call *call);

#endif
