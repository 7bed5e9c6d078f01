// What the parts of the test share.
#ifndef TEST_H
#define TEST_H

#include <math.h>

#include "support.h"

#define FAIL(...) (printf("FAIL: " __VA_ARGS__), printf("\n"), exit(1))

// Adds results to the group's checksum; NaN of any payload is the same.
void add_to_checksum(const float *values, size_t count);

// Each direct kernel against the loop equation of its contract, bit by bit.
void test_multiply_kernels(void);

// Max pool, average pool and addition over a random shape on every instruction set, bit by bit.
void test_pooling(void);

// Windows and maps that are looked at in parts.
void test_large_pooling(void);

// Plans made in two stages, and what a caller owes them where contracts are asserted.
void test_plans(void);

// Shapes near and beyond the limits.
void test_limits(int rounds);

// Which values plans take from processors, and that none of them changes a bit or how weights are packed.
void test_tuning(void);

// Values of some processor, or no processor's.
orepa_tuning random_tuning(void);

// Counted multiply-adds, and how tiles are written down.
void test_report(void);

// Packed Winograd weights against the definition of their transform, bit by bit.
void check_winograd_packing(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, const float *packed,
    const char *text);

// Maps `count` images of contiguous floats.
static inline float *mapped(const orepa_map *map, int32_t count, const float *contiguous)
{
    float *base = floats((size_t)(map->image * count));
    for (int32_t n = 0; n < count; n++)
        orepa_map_read(
            map, contiguous + (int64_t)n * map->channels * map->height * map->width,
            base + n * map->image, NULL);
    return base;
}

// The border of a map must have been written with zeros.
static inline void check_border(const orepa_map *map, const float *base, const char *text)
{
    for (int32_t block = 0; block < orepa_map_blocks(map); block++)
        for (int32_t y = -map->border; y < map->height + map->border; y++)
            for (int32_t x = -map->border; x < map->width + map->border; x++) {
                if (y >= 0 && y < map->height && x >= 0 && x < map->width) continue;
                const float *pixel = base + block * map->plane + orepa_map_offset(map, y, x);
                for (int32_t lane = 0; lane < map->block; lane++)
                    if (pixel[lane] != 0) FAIL("%s: border at %d, %d", text, y, x);
            }
}

// The lanes of the last block that are no channel may hold anything finite.
static inline void check_unused_lanes(const orepa_map *map, const float *base, const char *text)
{
    const float *plane = base + (orepa_map_blocks(map) - 1) * map->plane;
    for (int32_t y = 0; y < map->height; y++)
        for (int32_t x = 0; x < map->width; x++)
            for (int32_t lane = (map->channels - 1) % map->block + 1; lane < map->block; lane++)
                if (!isfinite(plane[orepa_map_offset(map, y, x) + lane]))
                    FAIL("%s: lane %d at %d, %d is no channel and not finite", text, lane, y, x);
}

#endif
