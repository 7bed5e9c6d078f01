#include "pixels.h"

#include <string.h>

enum { BLOCK = 16 };

static void copy(float *to, const float *from) { memcpy(to, from, BLOCK * sizeof(float)); }

void orepa_gather_pixels(
    const orepa_map *map, const float *base, int32_t stride, int32_t width, int32_t first, int32_t count, float *to)
{
    const int64_t plane = orepa_gathered_plane(count);
    for (int32_t block = 0; block < orepa_map_blocks(map); block++, base += map->plane, to += plane) {
        int32_t y = first / width, x = first % width;
        const float *from = base + orepa_map_offset(map, y * stride, x * stride);
        for (int32_t i = 0; i < count; i++, from += stride * BLOCK) {
            if (x == width) {
                x = 0;
                from = base + orepa_map_offset(map, ++y * stride, 0);
            }
            copy(to + (int64_t)i * BLOCK, from);
            x++;
        }
    }
}

void orepa_scatter_pixels(
    const orepa_map *map, float *base, int32_t block, int32_t blocks, int32_t first, int32_t count, const float *from)
{
    const int32_t y = first / map->width, x = first % map->width;
    const int32_t begin = y + (x > 0), end = (first + count - 1) / map->width + 1;
    if (begin < end) orepa_map_clear_border(map, base, block, block + blocks, begin, end);
    for (int32_t b = block; b < block + blocks; b++) {
        float *to = base + b * map->plane + orepa_map_offset(map, y, x);
        int32_t left = map->width - x;
        for (int32_t i = 0; i < count; i++, from += BLOCK, to += BLOCK) {
            if (left-- == 0) {
                left = map->width - 1;
                to += map->row - (int64_t)map->width * BLOCK;
            }
            copy(to, from);
        }
    }
}
