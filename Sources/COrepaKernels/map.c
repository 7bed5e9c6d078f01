#include "orepa_map.h"

#include <string.h>

// Whether the numbers by which a map's strides are computed are within the limits.
static bool has_valid_size(const orepa_map *map)
{
    if (map->channels < 1 || map->channels > OREPA_MOST_CHANNELS) return false;
    if (map->border < 0 || map->border > OREPA_MOST_BORDER) return false;
    if (map->height < 1 || map->width < 1 || (map->block != 1 && map->block != 16)) return false;
    const int64_t height = map->height + 2 * (int64_t)map->border;
    const int64_t width = map->width + 2 * (int64_t)map->border;
    return height <= OREPA_MOST_PIXELS / width;
}

bool orepa_map_is_valid(const orepa_map *map)
{
    if (!has_valid_size(map)) return false;
    // Strides of someone else's are at most what a large border makes of them.
    const int64_t most = (int64_t)OREPA_MOST_PIXELS * 16 * OREPA_MOST_CHANNELS;
    if (map->row > most || map->plane > most || map->image > most) return false;
    return map->row >= (map->width + 2 * (int64_t)map->border) * map->block
        && map->plane >= map->row * (map->height + 2 * (int64_t)map->border)
        && map->image >= map->plane * orepa_map_blocks(map);
}

static orepa_map make(
    int32_t channels, int32_t height, int32_t width, int32_t border, int32_t block)
{
    orepa_map map = {
        .channels = channels, .height = height, .width = width, .border = border, .block = block};
    if (!has_valid_size(&map)) return map;
    map.row = (width + 2 * (int64_t)border) * block;
    map.plane = map.row * (height + 2 * (int64_t)border);
    map.image = (map.plane * orepa_map_blocks(&map) + 15) / 16 * 16;
    return map;
}

orepa_map orepa_map_blocked(int32_t channels, int32_t height, int32_t width, int32_t border)
{
    return make(channels, height, width, border, 16);
}

orepa_map orepa_map_planar(int32_t channels, int32_t height, int32_t width, int32_t border)
{
    return make(channels, height, width, border, 1);
}

static void clear(float *from, int64_t count)
{
    memset(from, 0, (size_t)count * sizeof(float));
}

void orepa_map_clear_border(
    const orepa_map *map, float *base, int32_t block_begin, int32_t block_end, int32_t row_begin,
    int32_t row_end)
{
    if (map->border == 0) return;
    const int64_t side = (int64_t)map->border * map->block;
    const int64_t pixels = (int64_t)map->width * map->block;
    for (int32_t block = block_begin; block < block_end; block++) {
        float *plane = base + block * map->plane;
        for (int32_t y = row_begin; y < row_end; y++) {
            float *row = plane + (y + map->border) * map->row;
            clear(row, side);
            clear(row + side + pixels, side);
        }
        if (row_begin == 0) clear(plane, map->border * map->row);
        if (row_end == map->height)
            clear(plane + (map->border + map->height) * map->row, map->border * map->row);
    }
}

void orepa_map_read(
    const orepa_map *map, const float *contiguous, float *base, const orepa_stop *stop)
{
    const int32_t block = map->block;
    for (int32_t first = 0; first < map->channels; first += block) {
        const int32_t lanes = map->channels - first < block ? map->channels - first : block;
        const float *from = contiguous + (int64_t)first * map->height * map->width;
        float *plane = base + first / block * map->plane;
        for (int32_t y = 0; y < map->height; y++) {
            if (orepa_is_stopped(stop)) return;
            orepa_map_clear_border(map, base, first / block, first / block + 1, y, y + 1);
            float *to = plane + orepa_map_offset(map, y, 0);
            if (lanes < block) clear(to, (int64_t)map->width * block);
            for (int32_t lane = 0; lane < lanes; lane++) {
                const float *line = from + ((int64_t)lane * map->height + y) * map->width;
                if (block == 1) {
                    memcpy(to, line, (size_t)map->width * sizeof(float));
                    continue;
                }
                for (int32_t x = 0; x < map->width; x++) to[(int64_t)x * block + lane] = line[x];
            }
        }
    }
}

void orepa_map_write(
    const orepa_map *map, const float *base, float *contiguous, const orepa_stop *stop)
{
    const int32_t block = map->block;
    for (int32_t channel = 0; channel < map->channels; channel++) {
        const float *plane = base + channel / block * map->plane + channel % block;
        for (int32_t y = 0; y < map->height; y++) {
            if (orepa_is_stopped(stop)) return;
            const float *from = plane + orepa_map_offset(map, y, 0);
            float *to = contiguous + ((int64_t)channel * map->height + y) * map->width;
            for (int32_t x = 0; x < map->width; x++) to[x] = from[(int64_t)x * block];
        }
    }
}
