// Direct convolution: which kernels, how weights are packed, which work items there are.
//
// Packed: bias [blocks][16], then for each output block group of g blocks [products][g][16], where the
// products are in the order of direct.h. Groups have the blocks of the chosen kernel, but the last one,
// which has what is left; so a group that begins at block b begins at b * 16 * products.
//
// Items: group by group (its weights stay in cache), image by image, a few rows each.
#include "../convolution.h"
#include "../kernels.h"
#include "choice.h"

// Products of one output: input channels of a group by kernel positions.
static int32_t product_count(const orepa_convolution *shape)
{
    return shape->input.channels / shape->groups * shape->kernel * shape->kernel;
}

static bool is_flat(const orepa_map *map) { return map->row == (int64_t)map->width * map->block; }

// A 1x1 convolution of maps without borders sees an image as one long row.
static void flatten(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    plan->direct.height = shape->output.height;
    plan->direct.width = shape->output.width;
    if (shape->kernel != 1 || shape->stride != 1 || shape->padding != 0) return;
    if (!is_flat(&shape->input) || !is_flat(&shape->output)) return;
    if (shape->has_residual && !is_flat(&shape->residual)) return;
    plan->direct.width *= plan->direct.height;
    plan->direct.height = 1;
}

static bool prepare(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    const int32_t inputs = shape->input.channels / shape->groups;
    const int32_t outputs = shape->output.channels / shape->groups;
    if (shape->input.border < shape->padding || shape->output.block != 16) return false;
    if (shape->groups > 1 && (shape->input.block != 16 || inputs % 16 || outputs % 16)) return false;

    flatten(plan);
    plan->direct.blocks = orepa_divide_up(outputs, 16);
    const int64_t step = (int64_t)shape->stride * shape->input.block;
    const int32_t width = plan->direct.width, blocks = plan->direct.blocks;
    plan->direct.row = orepa_direct_choose(
        plan->isa, step, width, 1, blocks, orepa_blocks_up_to(blocks));
    if (plan->direct.row < 0) return false;
    const orepa_direct_row *row = &orepa_direct_rows[plan->direct.row];
    const int32_t left = blocks % row->blocks ? blocks % row->blocks : row->blocks;
    plan->direct.tail_row = orepa_direct_choose(plan->isa, step, width, 1, left, 1u << left);
    if (plan->direct.tail_row < 0) return false;
    plan->direct.tiles = orepa_direct_tiles(width, row->pixels);
    plan->direct.tail_tiles = orepa_direct_tiles(width, orepa_direct_rows[plan->direct.tail_row].pixels);


    // An item is some ten thousand cycles, so that claiming it costs nothing beside.
    const int64_t tiles = (int64_t)plan->direct.tiles * plan->direct.height;
    const int64_t cycles =
        (int64_t)width * plan->direct.height * row->blocks * product_count(shape);
    plan->direct.slices = (int32_t)(cycles / 20000 < tiles ? cycles / 20000 + 1 : tiles);
    plan->pack_items = (int64_t)shape->groups * orepa_divide_up(blocks, row->blocks);
    plan->phases = 1;
    plan->items[0] = plan->pack_items * shape->images * plan->direct.slices;
    plan->packed_floats = (size_t)shape->groups * blocks * 16 * (product_count(shape) + 1);
    return true;
}

// A group of output blocks that one kernel computes together.
typedef struct {
    const orepa_direct_row *row;
    int32_t tiles;               // of a row
    int32_t group;               // of the convolution
    int32_t first, blocks;       // output blocks
} block_group;

static block_group group_at(const orepa_convolution_plan *plan, int64_t index)
{
    const orepa_direct_row *row = &orepa_direct_rows[plan->direct.row];
    const int32_t in_group = orepa_divide_up(plan->direct.blocks, row->blocks);
    const int32_t group = (int32_t)(index / in_group);
    const int32_t skipped = (int32_t)(index % in_group) * row->blocks;
    const int32_t left = plan->direct.blocks - skipped;
    const bool whole = left >= row->blocks;
    return (block_group){
        .row = whole ? row : &orepa_direct_rows[plan->direct.tail_row],
        .tiles = whole ? plan->direct.tiles : plan->direct.tail_tiles,
        .group = group,
        .first = group * plan->direct.blocks + skipped,
        .blocks = whole ? row->blocks : left,
    };
}

static int64_t bias_floats(const orepa_convolution_plan *plan)
{
    return (int64_t)plan->shape.groups * plan->direct.blocks * 16;
}

static void pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end)
{
    const orepa_convolution *shape = &plan->shape;
    const int32_t inputs = shape->input.channels / shape->groups;
    const int32_t taps = shape->kernel * shape->kernel, block = shape->input.block;
    const int64_t products = product_count(shape);
    for (int64_t item = begin; item < end; item++) {
        const block_group group = group_at(plan, item);
        const int32_t lanes = group.blocks * 16, first = group.first * 16;
        const int32_t used = orepa_min(lanes, shape->output.channels - first);
        float *to = packed + bias_floats(plan) + first * products;
        for (int32_t lane = 0; lane < lanes; lane++)
            packed[first + lane] = lane < used ? bias[first + lane] : 0;
        for (int32_t channel = 0; channel < inputs; channel += block) {
            const int32_t depth = orepa_min(block, inputs - channel);
            for (int32_t tap = 0; tap < taps; tap++) {
                for (int32_t c = channel; c < channel + depth; c++, to += lanes) {
                    const float *from = weights + ((int64_t)first * inputs + c) * taps + tap;
                    for (int32_t lane = 0; lane < lanes; lane++)
                        to[lane] = lane < used ? from[lane * products] : 0;
                }
            }
        }
    }
}

static void run_item(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers, int64_t item)
{
    const orepa_convolution *shape = &plan->shape;
    const orepa_map *from = &shape->input, *to = &shape->output, *add = &shape->residual;
    const int32_t slice = (int32_t)(item % plan->direct.slices);
    item /= plan->direct.slices;
    const int32_t image = (int32_t)(item % shape->images);
    const block_group group = group_at(plan, item / shape->images);

    const int32_t planes = orepa_divide_up(from->channels / shape->groups, from->block);
    const int32_t depth = from->channels / shape->groups - (planes - 1) * from->block;
    const bool full = depth == from->block;
    orepa_direct_call call = {
        .weights = buffers->packed + bias_floats(plan)
            + (int64_t)group.first * 16 * product_count(shape),
        .bias = buffers->packed + group.first * 16,
        .input_row = from->row,
        .input_plane = from->plane,
        .output_plane = to->plane,
        .residual_plane = add->plane,
        .step = (int64_t)shape->stride * from->block,
        .planes = planes,
        .rows = shape->kernel,
        .run = shape->kernel * from->block,
        .last_segments = full ? 1 : shape->kernel,
        .last_run = full ? shape->kernel * from->block : depth,
        .relu = shape->relu,
    };
    const float *input = buffers->input + image * from->image + group.group * planes * from->plane;
    float *output = buffers->output + image * to->image;
    const float *residual = shape->has_residual
        ? buffers->residual + image * add->image + group.first * add->plane
        : NULL;

    const int64_t tiles = (int64_t)group.tiles * plan->direct.height;
    const int64_t end = (slice + 1) * tiles / plan->direct.slices;
    for (int64_t tile = slice * tiles / plan->direct.slices; tile < end; tile++) {
        const int32_t y = (int32_t)(tile / group.tiles), i = (int32_t)(tile % group.tiles);
        const int32_t x = orepa_direct_tile_start(plan->direct.width, group.tiles, i);
        const int32_t next = orepa_direct_tile_start(plan->direct.width, group.tiles, i + 1);
        if (i == 0)
            orepa_map_clear_border(to, output, group.first, group.first + group.blocks, y, y + 1);
        call.input = input
            + orepa_map_offset(
                from, y * shape->stride - shape->padding, x * shape->stride - shape->padding);
        call.output = output + group.first * to->plane + orepa_map_offset(to, y, x);
        if (residual) call.residual = residual + orepa_map_offset(add, y, x);
        group.row->run(&call, next - x);
    }
}

static void run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers, float *worker,
    int32_t phase, int64_t begin, int64_t end)
{
    (void)worker, (void)phase;
    for (int64_t item = begin; item < end; item++) run_item(plan, buffers, item);
}

const orepa_algorithm_row orepa_direct_algorithm = {"direct", prepare, pack, run};
