// 3x3 convolution in groups of 4 or 8 channels.
//
// Packed: bias [blocks][16], then for each block [kernel rows][channels of a group][kernel columns][16].
// Items: image by image, block by block, a few rows each.
#include <stdio.h>

#include "../convolution.h"
#include "../kernels.h"

static int32_t group_width(const orepa_convolution_plan *plan)
{
    return plan->shape.input.channels / plan->shape.groups;
}

static bool choose(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    if (shape->kernel != 3 || (shape->stride != 1 && shape->stride != 2)) return false;
    if (shape->groups == 1 || shape->input.channels != shape->output.channels) return false;
    if (group_width(plan) != 4 && group_width(plan) != 8) return false;
    if (shape->input.block != 16 || shape->output.block != 16) return false;
    if (shape->input.border < shape->padding) return false;

    const int32_t blocks = orepa_map_blocks(&shape->output);
    plan->packed_floats = (size_t)blocks * 16 * (size_t)(9 * group_width(plan) + 1);
    plan->pack_items = blocks;
    return true;
}

static bool schedule(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    const int64_t row_cycles = (int64_t)shape->output.width * 9 * group_width(plan);
    plan->grouped.rows = orepa_min(shape->output.height, (int32_t)(plan->tuning.item_cycles / row_cycles) + 1);
    plan->items = (int64_t)shape->images * orepa_map_blocks(&shape->output)
        * orepa_divide_up(shape->output.height, plan->grouped.rows);
    return true;
}

static int64_t weights_start(const orepa_convolution_plan *plan, int64_t block)
{
    return (orepa_map_blocks(&plan->shape.output) + block * 9 * group_width(plan)) * 16;
}

static void pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop)
{
    const int32_t width = group_width(plan), channels = plan->shape.output.channels;
    for (int64_t block = begin; block < end && !orepa_is_stopped(stop); block++) {
        float *to = packed + weights_start(plan, block);
        for (int32_t lane = 0; lane < 16; lane++) {
            const int64_t o = block * 16 + lane;
            packed[o] = o < channels ? bias[o] : 0;
            for (int32_t y = 0; y < 3; y++)
                for (int32_t k = 0; k < width; k++)
                    for (int32_t x = 0; x < 3; x++)
                        to[((y * width + k) * 3 + x) * 16 + lane] =
                            o < channels ? weights[((o * width + k) * 3 + y) * 3 + x] : 0;
        }
    }
}

static void run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    (void)worker;
    const orepa_convolution *shape = &plan->shape;
    const orepa_map *from = &shape->input, *to = &shape->output, *add = &shape->residual;
    const orepa_single_kernels *kernels = &orepa_singles[plan->isa];
    const int32_t blocks = orepa_map_blocks(to);
    const int32_t slices = orepa_divide_up(to->height, plan->grouped.rows);
    for (int64_t item = begin; item < end; item++) {
        const int32_t first = (int32_t)(item % slices) * plan->grouped.rows;
        const int32_t last = orepa_min(first + plan->grouped.rows, to->height);
        const int32_t block = (int32_t)(item / slices % blocks);
        const int64_t image = item / slices / blocks;
        float *output = buffers->output + image * to->image;
        orepa_map_clear_border(to, output, block, block + 1, first, last);
        for (int32_t y = first; y < last; y++) {
            const orepa_grouped_call call = {
                .input = buffers->input + image * from->image + block * from->plane
                    + orepa_map_offset(from, y * shape->stride - shape->padding, -shape->padding),
                .weights = buffers->packed + weights_start(plan, block),
                .bias = buffers->packed + block * 16,
                .residual = shape->has_residual
                    ? buffers->residual + image * add->image + block * add->plane
                        + orepa_map_offset(add, y, 0)
                    : NULL,
                .output = output + block * to->plane + orepa_map_offset(to, y, 0),
                .input_row = from->row,
                .pixels = to->width,
                .relu = shape->relu,
            };
            if (group_width(plan) == 4)
                (shape->stride == 1 ? kernels->grouped_width4_stride1
                                    : kernels->grouped_width4_stride2)(&call);
            else
                (shape->stride == 1 ? kernels->grouped_width8_stride1
                                    : kernels->grouped_width8_stride2)(&call);
        }
    }
}

static int64_t multiply_adds(const orepa_convolution_plan *plan)
{
    const orepa_map *to = &plan->shape.output;
    return (int64_t)orepa_map_blocks(to) * 16 * 9 * group_width(plan) * to->height * to->width;
}

static void write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    snprintf(text, size, "groups of %d", group_width(plan));
}

const orepa_algorithm_functions orepa_grouped_algorithm = {
    "grouped", choose, schedule, pack, run, multiply_adds, write_tiles};
