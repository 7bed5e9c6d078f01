// Max pool items: image by image, block by block, a few output rows each. Average pool items: image by
// image, a few blocks each.
#include "orepa_pooling.h"

#include "../kernels.h"
#include "../numbers.h"

#include <string.h>

enum { ROWS_PER_ITEM = 8, BLOCKS_PER_ITEM = 16 };

static int64_t row_items(const orepa_max_pool *shape)
{
    return orepa_divide_up(shape->output.height, ROWS_PER_ITEM);
}

int64_t orepa_max_pool_items(const orepa_max_pool *shape)
{
    return (int64_t)shape->images * orepa_map_blocks(&shape->output) * row_items(shape);
}

// Places of all windows along one dimension, at most.
static int64_t places(const orepa_max_pool *shape, int32_t size, int32_t outputs)
{
    return (int64_t)orepa_min(shape->kernel, size) * outputs;
}

int64_t orepa_max_pool_operations(const orepa_max_pool *shape)
{
    const orepa_map *from = &shape->input, *to = &shape->output;
    int64_t windows, all;
    if (__builtin_mul_overflow(
            places(shape, from->height, to->height), places(shape, from->width, to->width), &windows)
        || __builtin_mul_overflow(windows, orepa_map_blocks(to), &all))
        return INT64_MAX;
    return all;
}

// Vectors of 16 channels that are looked at between two looks at whether to stop: a millisecond's, from memory.
enum { AT_ONCE = 1 << 16 };

enum { LARGEST_SMALL_KERNEL = 3, COLUMNS_AT_ONCE = 64 };

// The largest values of `count` neighbouring columns of a row's input from column `first` on. The first of equal values
// and the last NaN win in any grouping of parts in order, so the bits are those of each column as a whole. False if
// stopped.
static bool find_column_maxima(
    orepa_isa isa, const orepa_max_pool_call *row, int32_t first, int32_t count, float *maxima, const orepa_stop *stop)
{
    _Alignas(64) float pair[2][COLUMNS_AT_ONCE * 16];
    orepa_max_pool_call call = {
        .input_row = row->input_row, .width = count, .outputs = count, .kernel = 1, .stride = 1};
    const int32_t rows_at_once = AT_ONCE / COLUMNS_AT_ONCE;
    for (int32_t y = 0; y < row->rows; y += rows_at_once) {
        if (orepa_is_stopped(stop)) return false;
        call.input = row->input + y * row->input_row + (int64_t)first * 16;
        call.rows = orepa_min(rows_at_once, row->rows - y);
        call.output = y == 0 ? maxima : pair[1];
        orepa_singles[isa].max_pool_row(&call);
        if (y == 0) continue;
        memcpy(pair[0], maxima, (size_t)count * 16 * sizeof(float));
        orepa_max_pool_call both = call;
        both.input = pair[0], both.output = maxima, both.rows = 2, both.input_row = COLUMNS_AT_ONCE * 16;
        orepa_singles[isa].max_pool_row(&both);
    }
    return true;
}

// Takes the largest of `count` neighbouring values, and of what is in output already if it goes on.
static void find_largest(orepa_isa isa, const float *values, int32_t count, bool goes_on, float *output)
{
    _Alignas(64) float pair[2][16];
    orepa_max_pool_call call = {
        .input = values, .output = goes_on ? pair[1] : output, .rows = 1, .width = count, .outputs = 1,
        .kernel = count, .stride = 1};
    orepa_singles[isa].max_pool_row(&call);
    if (!goes_on) return;
    memcpy(pair[0], output, sizeof pair[0]);
    call.input = pair[0], call.output = output, call.width = call.kernel = 2;
    orepa_singles[isa].max_pool_row(&call);
}

// One row of outputs with large windows: each column's largest value is found once for all windows that it is in, so that
// an output costs as many comparisons as a window has columns. False if stopped.
static bool run_wide_row(orepa_isa isa, const orepa_max_pool_call *row, const orepa_stop *stop)
{
    _Alignas(64) float maxima[COLUMNS_AT_ONCE * 16];
    for (int32_t first = 0; first < row->width; first += COLUMNS_AT_ONCE) {
        const int32_t end = orepa_min(first + COLUMNS_AT_ONCE, row->width);
        // The outputs that see some of these columns.
        const int32_t past = first + row->padding - row->kernel;
        const int32_t begin = past < 0 ? 0 : past / row->stride + 1;
        const int32_t last = orepa_min(row->outputs, (end + row->padding - 1) / row->stride + 1);
        if (begin >= last) continue;
        if (!find_column_maxima(isa, row, first, end - first, maxima, stop)) return false;
        for (int32_t x = begin; x < last; x++) {
            if (x % (AT_ONCE / COLUMNS_AT_ONCE) == 0 && orepa_is_stopped(stop)) return false;
            const int32_t start = x * row->stride - row->padding;
            const int32_t from = orepa_max(start, first), to = orepa_min(start + row->kernel, end);
            find_largest(
                isa, maxima + (from - first) * 16, to - from, orepa_max(start, 0) < first,
                row->output + (int64_t)x * 16);
        }
    }
    return true;
}

// One row of outputs. False if stopped.
static bool run_row(orepa_isa isa, const orepa_max_pool_call *row, const orepa_stop *stop)
{
    if (row->kernel > LARGEST_SMALL_KERNEL) return run_wide_row(isa, row, stop);
    const int32_t outputs_at_once = AT_ONCE / (LARGEST_SMALL_KERNEL * LARGEST_SMALL_KERNEL);
    if (row->outputs <= outputs_at_once) {
        orepa_singles[isa].max_pool_row(row);
        return true;
    }
    for (int32_t x = 0; x < row->outputs; x += outputs_at_once) {
        if (orepa_is_stopped(stop)) return false;
        orepa_max_pool_call part = *row;
        part.output += (int64_t)x * 16;
        part.outputs = orepa_min(outputs_at_once, row->outputs - x);
        part.padding -= x * row->stride;
        orepa_singles[isa].max_pool_row(&part);
    }
    return true;
}

static void max_pool_item(
    const orepa_max_pool *shape, orepa_isa isa, const float *input, float *output, int64_t item,
    const orepa_stop *stop)
{
    const orepa_map *from = &shape->input, *to = &shape->output;
    const int32_t first = (int32_t)(item % row_items(shape)) * ROWS_PER_ITEM;
    const int32_t end = orepa_min(first + ROWS_PER_ITEM, to->height);
    item /= row_items(shape);
    const int32_t blocks = orepa_map_blocks(to), block = (int32_t)(item % blocks);
    input += item / blocks * from->image + block * from->plane;
    output += item / blocks * to->image;
    orepa_map_clear_border(to, output, block, block + 1, first, end);
    for (int32_t y = first; y < end; y++) {
        const int32_t start = y * shape->stride - shape->padding;
        const int32_t row = orepa_max(start, 0);
        const orepa_max_pool_call call = {
            .input = input + orepa_map_offset(from, row, 0),
            .output = output + block * to->plane + orepa_map_offset(to, y, 0),
            .input_row = from->row,
            .rows = orepa_min(start + shape->kernel, from->height) - row,
            .width = from->width,
            .outputs = to->width,
            .kernel = shape->kernel,
            .stride = shape->stride,
            .padding = shape->padding,
        };
        if (!run_row(isa, &call, stop)) return;
    }
}

void orepa_max_pool_run(
    const orepa_max_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end, const orepa_stop *stop)
{
    OREPA_ASSERT(0 <= begin && begin <= end && end <= orepa_max_pool_items(shape));
    for (int64_t item = begin; item < end && !orepa_is_stopped(stop); item++)
        max_pool_item(shape, isa, input, output, item, stop);
}

static int32_t block_items(const orepa_average_pool *shape)
{
    return orepa_divide_up(orepa_map_blocks(&shape->input), BLOCKS_PER_ITEM);
}

int64_t orepa_average_pool_items(const orepa_average_pool *shape)
{
    return (int64_t)shape->images * block_items(shape);
}

// Some rows at a time, each of which goes on with the sums so far.
static void average_pool_item(
    const orepa_average_pool *shape, orepa_isa isa, const float *input, float *output, int64_t item,
    const orepa_stop *stop)
{
    const orepa_map *from = &shape->input, *to = &shape->output;
    const int64_t image = item / block_items(shape);
    const int32_t first = (int32_t)(item % block_items(shape)) * BLOCKS_PER_ITEM;
    const int32_t blocks = orepa_min(orepa_map_blocks(from) - first, BLOCKS_PER_ITEM);
    output += image * to->image;
    orepa_map_clear_border(to, output, first, first + blocks, 0, to->height);
    const int32_t rows_at_once = orepa_max(1, AT_ONCE / BLOCKS_PER_ITEM / orepa_min(from->width, AT_ONCE));
    for (int32_t y = 0; y < from->height && !orepa_is_stopped(stop); y += rows_at_once) {
        const int32_t rows = orepa_min(rows_at_once, from->height - y);
        const orepa_average_pool_call call = {
            .input = input + image * from->image + first * from->plane + orepa_map_offset(from, y, 0),
            .output = output + first * to->plane + orepa_map_offset(to, 0, 0),
            .input_row = from->row,
            .input_plane = from->plane,
            .output_plane = to->plane,
            .blocks = blocks,
            .height = rows,
            .width = from->width,
            .goes_on = y > 0,
            .count = y + rows < from->height ? 1 : (float)from->height * (float)from->width,
        };
        orepa_singles[isa].average_pool(&call);
    }
}

void orepa_average_pool_run(
    const orepa_average_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end, const orepa_stop *stop)
{
    OREPA_ASSERT(0 <= begin && begin <= end && end <= orepa_average_pool_items(shape));
    for (int64_t item = begin; item < end && !orepa_is_stopped(stop); item++)
        average_pool_item(shape, isa, input, output, item, stop);
}
