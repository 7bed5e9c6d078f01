// Where the entries of a block of tiles lie in V, the transformed input, and in M, the products.
//
// V: [position][input block][entries][16]. Seen at one position it is a map whose pixels are the tiles' entries, and the
// product with the weights is a direct 1x1 convolution of that map. M: [position][block of a group][entries][16].
#ifndef OREPA_WINOGRAD_GEOMETRY_H
#define OREPA_WINOGRAD_GEOMETRY_H

#include "split.h"

// Of blocks of rows [row, row + rows) of tiles of some images.
orepa_winograd_geometry orepa_winograd_geometry_of(
    int32_t stride, const orepa_winograd_split *row_split, const orepa_winograd_split *column_split, int32_t images,
    int32_t row, int32_t rows);

// Where a position begins in V or M of `planes` planes, in floats. Positions are an odd number of cache lines apart, for
// which one is left free where need be: a transform writes, or reads, a line of each, which must not all fall into the
// same few sets of the cache.
static inline int64_t orepa_winograd_position_start(
    const orepa_winograd_geometry *geometry, int32_t position, int32_t planes)
{
    const int32_t free_lines = planes % 2 == 0 ? position : geometry->even[position];
    return ((int64_t)geometry->start[position] * planes + free_lines) * 16;
}

// Floats of V or M.
static inline int64_t orepa_winograd_position_floats(int32_t entries, int32_t planes)
{
    return ((int64_t)entries * planes + OREPA_WINOGRAD_POSITIONS) * 16;
}

#endif
