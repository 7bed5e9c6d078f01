// Items: image by image, block by block, a few rows each.
#include "../kernels.h"
#include "../numbers.h"
#include "orepa_pooling.h"

enum { ROWS_PER_ITEM = 16 };

static int64_t row_items(const orepa_addition *shape)
{
    return orepa_divide_up(shape->output.height, ROWS_PER_ITEM);
}

int64_t orepa_addition_items(const orepa_addition *shape)
{
    return (int64_t)shape->images * orepa_map_blocks(&shape->output) * row_items(shape);
}

void orepa_addition_run(
    const orepa_addition *shape, orepa_isa isa, const float *a, const float *b, float *output,
    int64_t begin, int64_t end)
{
    OREPA_ASSERT(0 <= begin && begin <= end && end <= orepa_addition_items(shape));
    const orepa_map *to = &shape->output, *left = &shape->a, *right = &shape->b;
    for (int64_t item = begin; item < end; item++) {
        const int32_t first = (int32_t)(item % row_items(shape)) * ROWS_PER_ITEM;
        const int32_t last = orepa_min(first + ROWS_PER_ITEM, to->height);
        const int64_t index = item / row_items(shape);
        const int32_t block = (int32_t)(index % orepa_map_blocks(to));
        const int64_t image = index / orepa_map_blocks(to);
        orepa_map_clear_border(to, output + image * to->image, block, block + 1, first, last);
        for (int32_t y = first; y < last; y++)
            orepa_singles[isa].addition_row(
                a + image * left->image + block * left->plane + orepa_map_offset(left, y, 0),
                b + image * right->image + block * right->plane + orepa_map_offset(right, y, 0),
                output + image * to->image + block * to->plane + orepa_map_offset(to, y, 0),
                to->width, shape->relu);
    }
}
