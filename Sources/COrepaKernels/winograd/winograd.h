// The contracts of the Winograd kernels, and how a layer is cut into tiles.
//
// F(4,3) evaluates at the points 0, 1, -1, 2, -2 and infinity. Tiles of 3, 2 and 1 outputs use the first
// points of that list, and infinity. Their transformed weights are those of F(4,3) up to a factor for each
// point, and that factor is put into the input transform: so tiles of every size share one weight set.
#ifndef OREPA_WINOGRAD_H
#define OREPA_WINOGRAD_H

#include <stdint.h>

#include "orepa_convolution.h"

enum {
    OREPA_WINOGRAD_LARGEST = 4,   // outputs of a tile in one dimension
    OREPA_WINOGRAD_POINTS = 6,
    OREPA_WINOGRAD_POSITIONS = 36,
};

// Tiles that use a point: always the first ones, since larger tiles use more points.
static inline int32_t orepa_winograd_users(const orepa_winograd_split *split, int32_t point)
{
    static const int32_t smallest[OREPA_WINOGRAD_POINTS] = {1, 1, 2, 3, 4, 1};
    int32_t users = 0;
    for (int32_t m = smallest[point]; m <= OREPA_WINOGRAD_LARGEST; m++) users += split->count[m];
    return users;
}

// Transforms a row of tiles of one block of 16 channels. Tile t, of m columns by `height` rows of outputs,
// covers the (m + 2) by (height + 2) input pixels from column (sum of the earlier tiles' m) on;
//
//   position[i * 6 + j][t * 16 + c] = sum over y, x of B[height][i][y] * B[m][j][x] * input pixel (y, x)
//
// for the points i and j that tiles of height and m use; B as in winograd_kernel.h.
typedef struct {
    const float *input;   // pixel (0, 0) of tile 0; aligned to 64 bytes, as are the positions
    int64_t input_row;
    float *position[OREPA_WINOGRAD_POSITIONS];
    orepa_winograd_split columns;
    int32_t height;
} orepa_winograd_input_call;

typedef void orepa_winograd_input_kernel(const orepa_winograd_input_call *call);

// The way back for a row of tiles of one block of 16 output channels: output pixel (y, x) of a tile is
//
//   activation(residual + (bias + sum over i, j of A[height][y][i] * A[m][x][j] * position[i * 6 + j][t * 16 + c]))
typedef struct {
    const float *position[OREPA_WINOGRAD_POSITIONS];
    const float *bias;       // [16]
    const float *residual;   // like output; NULL: none. May be the output itself
    float *output;           // pixel (0, 0) of tile 0; all aligned to 64 bytes
    int64_t output_row, residual_row;
    orepa_winograd_split columns;
    int32_t height;
    int32_t relu;
} orepa_winograd_output_call;

typedef void orepa_winograd_output_kernel(const orepa_winograd_output_call *call);

#endif
