// Max pool items: image by image, block by block, a few output rows each. Average pool items: image by
// image, a few blocks each.
#include "orepa_pooling.h"

#include "../kernels.h"
#include "../numbers.h"

enum { ROWS_PER_ITEM = 8, BLOCKS_PER_ITEM = 16 };

static int64_t row_items(const orepa_max_pool *shape)
{
    return orepa_divide_up(shape->output.height, ROWS_PER_ITEM);
}

int64_t orepa_max_pool_items(const orepa_max_pool *shape)
{
    return shape->images * orepa_map_blocks(&shape->output) * row_items(shape);
}

static void max_pool_item(
    const orepa_max_pool *shape, orepa_isa isa, const float *input, float *output, int64_t item)
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
        orepa_singles[isa].max_pool_row(&call);
    }
}

void orepa_max_pool_run(
    const orepa_max_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end)
{
    for (int64_t item = begin; item < end; item++) max_pool_item(shape, isa, input, output, item);
}

static int32_t block_items(const orepa_average_pool *shape)
{
    return orepa_divide_up(orepa_map_blocks(&shape->input), BLOCKS_PER_ITEM);
}

int64_t orepa_average_pool_items(const orepa_average_pool *shape)
{
    return (int64_t)shape->images * block_items(shape);
}

void orepa_average_pool_run(
    const orepa_average_pool *shape, orepa_isa isa, const float *input, float *output, int64_t begin,
    int64_t end)
{
    const orepa_map *from = &shape->input, *to = &shape->output;
    for (int64_t item = begin; item < end; item++) {
        const int64_t image = item / block_items(shape);
        const int32_t first = (int32_t)(item % block_items(shape)) * BLOCKS_PER_ITEM;
        const orepa_average_pool_call call = {
            .input = input + image * from->image + first * from->plane
                + orepa_map_offset(from, 0, 0),
            .output = output + image * to->image + first * to->plane + orepa_map_offset(to, 0, 0),
            .input_row = from->row,
            .input_plane = from->plane,
            .output_plane = to->plane,
            .blocks = orepa_min(orepa_map_blocks(from) - first, BLOCKS_PER_ITEM),
            .height = from->height,
            .width = from->width,
        };
        orepa_map_clear_border(
            to, output + image * to->image, first, first + call.blocks, 0, to->height);
        orepa_singles[isa].average_pool(&call);
    }
}
