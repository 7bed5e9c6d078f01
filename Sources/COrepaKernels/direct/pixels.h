// Pixels of a map as one long row, where its rows do not follow one another in memory.
#ifndef OREPA_DIRECT_PIXELS_H
#define OREPA_DIRECT_PIXELS_H

#include "orepa_map.h"

// Floats from one block of `count` gathered pixels to the next: an odd count of cache lines, so that the blocks' first
// pixels do not all fall into the same few sets of the cache.
static inline int64_t orepa_gathered_plane(int32_t count) { return (int64_t)(count | 1) * 16; }

// Copies pixels [first, first + count) of every block of a map of blocks of 16, of which an output of `width` pixels
// a row sees every `stride`-th one: [blocks][count][16], blocks orepa_gathered_plane(count) apart.
void orepa_gather_pixels(
    const orepa_map *map, const float *base, int32_t stride, int32_t width, int32_t first, int32_t count, float *to);

// Writes [blocks][count][16] to pixels [first, first + count) of the blocks from `block` on, and the border of rows that
// begin among them.
void orepa_scatter_pixels(
    const orepa_map *map, float *base, int32_t block, int32_t blocks, int32_t first, int32_t count, const float *from);

#endif
