// Max pool, global average pool, and the sum of two maps: bounded by memory, cut into independent items.
#ifndef OREPA_POOLING_H
#define OREPA_POOLING_H

#include <stdbool.h>

#include "orepa_isa.h"
#include "orepa_map.h"
#include "orepa_stop.h"

// The largest value under a `kernel` by `kernel` window. Padding (less than kernel) never wins, NaN
// always does: of several the last, and of equal values the first, column by column. The input's border is not read.
// The maps are within the limits of orepa_map.h; kernel, stride and padding are at most 2^20.
typedef struct {
    orepa_map input, output;
    int32_t images, kernel, stride, padding;
} orepa_max_pool;

int64_t orepa_max_pool_items(const orepa_max_pool *shape);
void orepa_max_pool_run(
    const orepa_max_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end, const orepa_stop *stop);

// Places of all windows of one image, as the pool is defined, times blocks of 16 channels: no fewer than what is done. The
// largest number there is where there are more.
int64_t orepa_max_pool_operations(const orepa_max_pool *shape);

// The mean over height and width, summed row by row: output[channel] of a map of height and width 1.
typedef struct {
    orepa_map input, output;
    int32_t images;
} orepa_average_pool;

int64_t orepa_average_pool_items(const orepa_average_pool *shape);
void orepa_average_pool_run(
    const orepa_average_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end, const orepa_stop *stop);

// output = max(0, a + b), which keeps NaN; without relu a + b. The output may be a or b.
typedef struct {
    orepa_map a, b, output;
    int32_t images;
    bool relu;
} orepa_addition;

int64_t orepa_addition_items(const orepa_addition *shape);
void orepa_addition_run(
    const orepa_addition *shape, orepa_isa isa, const float *a, const float *b, float *output,
    int64_t begin, int64_t end);

#endif
