// Feature maps: how activations lie in memory.
#ifndef OREPA_MAP_H
#define OREPA_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orepa_stop.h"

// No map is larger: pixels are those of a plane, border included. So every offset in a map, and what a convolution
// between two of them takes, fits into 64 bits, and every count of pixels, with 2^30 more, into 32.
enum {
    OREPA_MOST_CHANNELS = 1 << 20,
    OREPA_MOST_BORDER = 1 << 20,
    OREPA_MOST_PIXELS = 1 << 29,
};

// Float32 activations of one image, `block` channels together (16, or 1 for a planar network input).
// Element (channel, y, x) of image n is
//
//   base[n * image + (channel / block) * plane + (y + border) * row + (x + border) * block + channel % block]
//
// - The base is aligned to 64 bytes.
// - The border is zero: `border` pixels on every side. Whoever writes the map writes the border too.
// - In a last block that is not full, the lanes that are no channel may hold anything finite; they are
//   never read as channels.
// - Strides are in floats. `row` and `plane` are at least what the pixels need.
typedef struct {
    int32_t channels, height, width;
    int32_t border;
    int32_t block;
    int64_t row, plane, image;
} orepa_map;

// A map in blocks of 16 channels. One beyond the limits above has an image of 0 floats; no convolution takes it.
orepa_map orepa_map_blocked(int32_t channels, int32_t height, int32_t width, int32_t border);

// A map of single channels, for the first layer of a network (3 channels or fewer than a block).
orepa_map orepa_map_planar(int32_t channels, int32_t height, int32_t width, int32_t border);

// Whether its numbers are within the limits above, and its strides at least what the pixels need.
bool orepa_map_is_valid(const orepa_map *map);

static inline int32_t orepa_map_blocks(const orepa_map *map)
{
    return (map->channels + map->block - 1) / map->block;
}

// Offset of pixel (y, x) of block 0; y and x may reach into the border.
static inline int64_t orepa_map_offset(const orepa_map *map, int32_t y, int32_t x)
{
    return (y + map->border) * map->row + (int64_t)(x + map->border) * map->block;
}

// Writes the zeros around rows [row_begin, row_end) of blocks [block_begin, block_end): their left and
// right ends, above row 0 and below the last row where the range includes those rows.
void orepa_map_clear_border(
    const orepa_map *map, float *base, int32_t block_begin, int32_t block_end, int32_t row_begin,
    int32_t row_end);

// Copies `[channels, height, width]` contiguous floats into a map, border included.
void orepa_map_read(
    const orepa_map *map, const float *contiguous, float *base, const orepa_stop *stop);

// Copies a map to `[channels, height, width]` contiguous floats.
void orepa_map_write(
    const orepa_map *map, const float *base, float *contiguous, const orepa_stop *stop);

#endif
