// Direct convolution: which kernels, how weights are packed, which work items there are.
//
// Packed: bias [blocks][16], then for each output block group of g blocks [products][g][16], where the
// products are in the order of multiply.h. Groups have the blocks of the chosen kernel, but the last one,
// which has what is left; so a group that begins at block b begins at b * 16 * products.
//
// A set is the output blocks that see the same input blocks: all of them without groups, those of a group if
// groups are whole blocks, or else each output block alone.
//
// Items: a few rows of a group of output blocks of an image. The images come one after the other; so threads, which
// begin at both ends, mostly read what they wrote in the layer before. In an image items come group by group, whose
// weights stay in cache, where there are more weights than input; else by rows.
//
// A 1x1 convolution sees an image as one long row, of better register tiles than short rows make. Where the input's rows
// do not follow one another in memory, because of a border or a stride, each worker gathers the pixels that it needs;
// where the output's do not, tiles are scattered.
#include "../convolution.h"
#include "../kernels.h"
#include "../multiply/choice.h"
#include "pixels.h"

#include <stdio.h>

static bool is_flat(const orepa_map *map) { return map->row == (int64_t)map->width * map->block; }

// Groups are whole blocks on both sides.
static bool is_aligned(const orepa_convolution *shape)
{
    return shape->groups == 1
        || (shape->input.channels / shape->groups % 16 == 0
            && shape->output.channels / shape->groups % 16 == 0);
}

// The first input block that a set sees. Sets that are single blocks all see as many as the one that needs
// most, so the last ones begin early enough.
static int32_t first_plane(const orepa_convolution_plan *plan, int32_t set)
{
    const orepa_convolution *shape = &plan->shape;
    if (is_aligned(shape)) return set * plan->direct.planes;
    const int32_t group = set * 16 / (shape->output.channels / shape->groups);
    const int32_t plane = group * (shape->input.channels / shape->groups) / 16;
    return orepa_min(plane, orepa_map_blocks(&shape->input) - plan->direct.planes);
}

// The most input blocks that the groups of one output block see.
static int32_t most_planes(const orepa_convolution *shape)
{
    const int32_t inputs = shape->input.channels / shape->groups;
    const int32_t outputs = shape->output.channels / shape->groups;
    int32_t most = 1;
    for (int32_t first = 0; first < shape->output.channels; first += 16) {
        const int32_t last = orepa_min(first + 16, shape->output.channels) - 1;
        const int32_t from = first / outputs * inputs / 16;
        const int32_t to = ((last / outputs + 1) * inputs - 1) / 16;
        most = orepa_max(most, to - from + 1);
    }
    return most;
}

// False if an output has too many products.
static bool find_sets(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    const int64_t taps = (int64_t)shape->kernel * shape->kernel;
    int64_t products;
    if (is_aligned(shape)) {
        const int32_t inputs = shape->input.channels / shape->groups;
        plan->direct.sets = shape->groups;
        plan->direct.blocks = orepa_divide_up(shape->output.channels / shape->groups, 16);
        plan->direct.planes = orepa_divide_up(inputs, shape->input.block);
        products = inputs * taps;
    } else {
        plan->direct.sets = orepa_map_blocks(&shape->output);
        plan->direct.blocks = 1;
        plan->direct.planes = most_planes(shape);
        products = plan->direct.planes * 16 * taps;
    }
    if (products > OREPA_MOST_PRODUCTS) return false;
    plan->direct.products = (int32_t)products;
    return true;
}

// What the kernels see as output: the map, or one long row where that is better; and the kernels. Weights are packed for
// kernels of as many blocks as without gathering and scattering.
static bool choose_kernels(orepa_convolution_plan *plan)
{
    enum { BLOCKS_WORTH_GATHERING = 8 };   // a line of 16 channels is then used for 128 sums of 16 lanes
    const double gathering = 1.03;         // times the cost without
    const orepa_convolution *shape = &plan->shape;
    const int32_t width = shape->output.width, height = shape->output.height, blocks = plan->direct.blocks;
    const int64_t step = (int64_t)shape->stride * shape->input.block, pixels = (int64_t)width * height;
    const bool may_be_long = shape->kernel == 1 && shape->padding == 0 && pixels <= INT32_MAX
        && (!shape->has_residual || is_flat(&shape->residual));
    const bool gathered = shape->stride != 1 || !is_flat(&shape->input);
    const bool scattered = !is_flat(&shape->output);
    const bool flat = may_be_long && !gathered && !scattered;

    plan->direct.width = flat ? (int32_t)pixels : width;
    plan->direct.height = flat ? 1 : height;
    plan->direct.kernel = orepa_multiply_choose(
        plan->isa, step, plan->direct.width, 1, blocks, orepa_blocks_up_to(blocks));
    if (plan->direct.kernel < 0) return false;
    const int32_t size = orepa_multiply_variants[plan->direct.kernel].blocks;
    const int32_t left = blocks % size ? blocks % size : size;
    plan->direct.tail_kernel = orepa_multiply_choose(plan->isa, step, plan->direct.width, 1, left, 1u << left);
    if (plan->direct.tail_kernel < 0) return false;

    if (!may_be_long || flat || height == 1 || shape->input.block != 16) return true;
    if (gathered && blocks < BLOCKS_WORTH_GATHERING) return true;
    const int16_t kernel = orepa_multiply_choose(plan->isa, 16, (int32_t)pixels, 1, blocks, 1u << size);
    const int16_t tail_kernel = orepa_multiply_choose(plan->isa, 16, (int32_t)pixels, 1, left, 1u << left);
    if (kernel < 0 || tail_kernel < 0) return true;
    // Of a stride's rows the kernels fetch what they do not need, which the costs leave out.
    if (shape->stride == 1
        && orepa_multiply_cost(kernel, (int32_t)pixels, blocks) * gathering
            > orepa_multiply_cost(plan->direct.kernel, width, blocks) * height)
        return true;
    plan->direct.kernel = kernel;
    plan->direct.tail_kernel = tail_kernel;
    plan->direct.gathered = gathered;
    plan->direct.scattered = scattered;
    plan->direct.width = (int32_t)pixels;
    plan->direct.height = 1;
    return true;
}

// The first tile of a slice of a group of blocks, of `tiles` in all; of slice number `slices` the end.
static int64_t slice_start(const orepa_convolution_plan *plan, int64_t tiles, int32_t slice)
{
    return slice * tiles / plan->direct.slices;
}

// The most pixels that are gathered at once: those of an item, or of an image if items of one group of output blocks
// follow one another.
static int32_t gathered_pixels(const orepa_convolution_plan *plan)
{
    const int32_t width = plan->direct.width, counts[] = {plan->direct.tiles, plan->direct.tail_tiles};
    if (!plan->direct.rows_first) return width;
    int32_t most = 0;
    for (int i = 0; i < 2; i++)
        for (int32_t slice = 0; slice < plan->direct.slices; slice++) {
            const int32_t begin = (int32_t)slice_start(plan, counts[i], slice);
            const int32_t end = (int32_t)slice_start(plan, counts[i], slice + 1);
            most = orepa_max(
                most, orepa_multiply_tile_start(width, counts[i], end) - orepa_multiply_tile_start(width, counts[i], begin));
        }
    return most;
}

static bool choose(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    if (shape->input.border < shape->padding || shape->output.block != 16) return false;
    if (shape->groups > 1 && shape->input.block != 16) return false;

    if (!find_sets(plan) || !choose_kernels(plan)) return false;
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->direct.kernel];
    const orepa_multiply_variant *tail = &orepa_multiply_variants[plan->direct.tail_kernel];
    const int32_t blocks = plan->direct.blocks;
    plan->direct.tiles = orepa_multiply_tiles(plan->direct.width, kernel->pixels);
    plan->direct.tail_tiles = orepa_multiply_tiles(plan->direct.width, tail->pixels);
    plan->direct.rows_first = (int64_t)shape->output.channels * plan->direct.products < shape->input.image;
    plan->pack_items = (int64_t)plan->direct.sets * orepa_divide_up(blocks, kernel->blocks);
    plan->packed_floats = (size_t)plan->direct.sets * blocks * 16 * (plan->direct.products + 1);
    return true;
}

static bool schedule(orepa_convolution_plan *plan)
{
    enum { MOST_SLICES = 1 << 17 };   // of a layer of minutes
    const int64_t tiles = (int64_t)plan->direct.tiles * plan->direct.height;
    const int64_t cycles = (int64_t)plan->direct.width * plan->direct.height
        * orepa_multiply_variants[plan->direct.kernel].blocks * plan->direct.products;
    const int64_t whole = cycles / plan->tuning.item_cycles;
    const int64_t slices = whole < tiles ? whole + 1 : tiles;
    plan->direct.slices = (int32_t)(slices < MOST_SLICES ? slices : MOST_SLICES);
    plan->items = plan->pack_items * plan->shape.images * plan->direct.slices;
    if (plan->direct.gathered)
        plan->worker_floats =
            (size_t)(orepa_map_blocks(&plan->shape.input) * orepa_gathered_plane(gathered_pixels(plan)));
    return true;
}

// A group of output blocks that one kernel computes together.
typedef struct {
    const orepa_multiply_variant *kernel;
    int32_t tiles;               // of a row
    int32_t set;
    int32_t first, blocks;       // output blocks
} block_group;

static block_group group_at(const orepa_convolution_plan *plan, int64_t index)
{
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->direct.kernel];
    const int32_t in_set = orepa_divide_up(plan->direct.blocks, kernel->blocks);
    const int32_t set = (int32_t)(index / in_set);
    const int32_t skipped = (int32_t)(index % in_set) * kernel->blocks;
    const int32_t left = plan->direct.blocks - skipped;
    const bool whole = left >= kernel->blocks;
    return (block_group){
        .kernel = whole ? kernel : &orepa_multiply_variants[plan->direct.tail_kernel],
        .tiles = whole ? plan->direct.tiles : plan->direct.tail_tiles,
        .set = set,
        .first = set * plan->direct.blocks + skipped,
        .blocks = whole ? kernel->blocks : left,
    };
}

static int64_t bias_floats(const orepa_convolution_plan *plan)
{
    return (int64_t)plan->direct.sets * plan->direct.blocks * 16;
}

// One output channel's weights for the input channels [start, start + depth), as [taps][depth] `lanes` floats
// apart: zero where its group does not have the input, and for no channel.
static void pack_lane(
    const orepa_convolution *shape, const float *weights, int32_t output, int32_t start, int32_t depth,
    float *to, int32_t lanes)
{
    const int32_t inputs = shape->input.channels / shape->groups;
    const int32_t outputs = shape->output.channels / shape->groups;
    const int32_t taps = shape->kernel * shape->kernel;
    const int32_t first = output < shape->output.channels ? output / outputs * inputs : INT32_MAX;
    const float *from = weights + (int64_t)output * inputs * taps;
    for (int32_t k = 0; k < depth; k++, to += lanes) {
        const int32_t input = start + k - first;
        const bool seen = input >= 0 && input < inputs;
        for (int32_t tap = 0; tap < taps; tap++)
            to[(int64_t)tap * depth * lanes] = seen ? from[(int64_t)input * taps + tap] : 0;
    }
}

typedef float v4 __attribute__((ext_vector_type(4)));
typedef struct {
    v4 value;
} __attribute__((packed, aligned(4))) v4_unaligned;

static v4 load4(const float *from) { return ((const v4_unaligned *)from)->value; }

// Writes four rows of `depth` floats, a multiple of 4, as columns `lanes` floats apart.
static void transpose_rows(const float *from, int64_t row, int32_t depth, float *to, int32_t lanes)
{
    for (int32_t k = 0; k < depth; k += 4, from += 4, to += 4 * lanes) {
        const v4 a = load4(from), b = load4(from + row);
        const v4 c = load4(from + 2 * row), d = load4(from + 3 * row);
        const v4 low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
        const v4 high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const v4 low2 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
        const v4 high2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        *(v4 *)to = __builtin_shufflevector(low, low2, 0, 1, 4, 5);
        *(v4 *)(to + lanes) = __builtin_shufflevector(low, low2, 2, 3, 6, 7);
        *(v4 *)(to + 2 * lanes) = __builtin_shufflevector(high, high2, 0, 1, 4, 5);
        *(v4 *)(to + 3 * lanes) = __builtin_shufflevector(high, high2, 2, 3, 6, 7);
    }
}

// Packs `depth` input channels from `start` on for all lanes of a group of blocks from channel `first` on.
// Lane by lane, so that weights are read in order; of 1x1 kernels, whose order is just transposed, four lanes
// at a time.
static void pack_lanes(
    const orepa_convolution *shape, const float *weights, int32_t first, int32_t lanes, int32_t start,
    int32_t depth, int32_t block, float *to, const orepa_stop *stop)
{
    const int32_t taps = shape->kernel * shape->kernel, inputs = shape->input.channels;
    const bool is_transposed = taps == 1 && shape->groups == 1 && depth % 4 == 0;
    int32_t lane = 0;
    for (; is_transposed && lane + 4 <= orepa_min(lanes, shape->output.channels - first); lane += 4)
        transpose_rows(
            weights + (int64_t)(first + lane) * inputs + start, inputs, depth, to + lane, lanes);
    for (; lane < lanes; lane++)
        for (int32_t k = 0; k < depth; k += block) {
            if (orepa_is_stopped(stop)) return;
            pack_lane(
                shape, weights, first + lane, start + k, orepa_min(block, depth - k),
                to + (int64_t)k * taps * lanes + lane, lanes);
        }
}

static void pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop)
{
    const orepa_convolution *shape = &plan->shape;
    const int32_t taps = shape->kernel * shape->kernel, block = shape->input.block;
    const int32_t channels = plan->direct.products / taps;
    for (int64_t item = begin; item < end; item++) {
        const block_group group = group_at(plan, item);
        const int32_t lanes = group.blocks * 16, first = group.first * 16;
        const int32_t start = first_plane(plan, group.set) * block;
        for (int32_t lane = 0; lane < lanes; lane++)
            packed[first + lane] = first + lane < shape->output.channels ? bias[first + lane] : 0;
        float *to = packed + bias_floats(plan) + (int64_t)first * plan->direct.products;
        // Some hundred bytes of each lane at a time, for which the written lines stay in cache.
        const int32_t chunk = taps < 4 ? 4 * block : block;
        for (int32_t c = 0; c < channels; c += chunk)
            pack_lanes(
                shape, weights, first, lanes, start + c, orepa_min(chunk, channels - c), block,
                to + (int64_t)c * taps * lanes, stop);
    }
}

// Some tiles of a group of output blocks.
typedef struct {
    int32_t image, slice;
    block_group group;
    int64_t begin, end;
} direct_item;

static direct_item item_at(const orepa_convolution_plan *plan, int64_t index)
{
    const int64_t in_image = plan->items / plan->shape.images, groups = in_image / plan->direct.slices;
    const int64_t rest = index % in_image;
    direct_item item = {
        .image = (int32_t)(index / in_image),
        .slice = (int32_t)(plan->direct.rows_first ? rest / groups : rest % plan->direct.slices),
        .group = group_at(plan, plan->direct.rows_first ? rest % groups : rest / plan->direct.slices),
    };
    const int64_t tiles = (int64_t)item.group.tiles * plan->direct.height;
    item.begin = slice_start(plan, tiles, item.slice);
    item.end = slice_start(plan, tiles, item.slice + 1);
    return item;
}

// What all tiles of an item have in common.
static orepa_multiply_call call_of(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers, const direct_item *item)
{
    const orepa_convolution *shape = &plan->shape;
    const orepa_map *from = &shape->input;
    const int32_t channels = plan->direct.products / (shape->kernel * shape->kernel);
    const int32_t depth = channels - (plan->direct.planes - 1) * from->block;
    const bool full = depth == from->block;
    return (orepa_multiply_call){
        .stream_ahead = (int64_t)plan->tuning.stream_lines * OREPA_CACHE_LINE,
        .stream_into_l1 = plan->tuning.stream_into_l1,
        .weights = buffers->packed + bias_floats(plan) + (int64_t)item->group.first * 16 * plan->direct.products,
        .bias = buffers->packed + item->group.first * 16,
        .input_row = from->row,
        .input_plane = from->plane,
        .output_plane = shape->output.plane,
        .residual_plane = shape->residual.plane,
        .step = (int64_t)shape->stride * from->block,
        .planes = plan->direct.planes,
        .rows = shape->kernel,
        .length = shape->kernel * from->block,
        .last_segments = full ? 1 : shape->kernel,
        .last_length = full ? shape->kernel * from->block : depth,
        .relu = shape->relu,
    };
}

// Lets the call read pixels from the worker's scratch, where they are put unless they are there: those of the item's
// tiles, or of its image. Returns where the first of them lies in the item's first input block.
static const float *gather(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers, orepa_convolution_worker *worker,
    const direct_item *item, orepa_multiply_call *call)
{
    const int32_t width = plan->direct.width, tiles = item->group.tiles;
    int32_t first = 0, count = width, key = item->image;
    if (plan->direct.rows_first) {
        const bool is_tail = item->group.kernel != &orepa_multiply_variants[plan->direct.kernel];
        first = orepa_multiply_tile_start(width, tiles, (int32_t)item->begin);
        count = orepa_multiply_tile_start(width, tiles, (int32_t)item->end) - first;
        key = (item->image * plan->direct.slices + item->slice) * 2 + is_tail;
    }
    if (worker->serial != buffers->serial || worker->part != key) {
        const orepa_map *from = &plan->shape.input;
        orepa_gather_pixels(
            from, buffers->input + item->image * from->image, plan->shape.stride, plan->shape.output.width, first,
            count, worker->scratch);
        worker->serial = buffers->serial;
        worker->part = key;
    }
    call->input_plane = orepa_gathered_plane(count);
    call->step = 16;
    return worker->scratch + first_plane(plan, item->group.set) * call->input_plane;
}

static void run_item(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t index)
{
    const orepa_convolution *shape = &plan->shape;
    const orepa_map *from = &shape->input, *to = &shape->output, *add = &shape->residual;
    const direct_item item = item_at(plan, index);
    if (item.begin == item.end) return;   // the last group's tiles may be wider, and fewer than slices
    const block_group group = item.group;
    orepa_multiply_call call = call_of(plan, buffers, &item);
    const float *input = plan->direct.gathered
        ? gather(plan, buffers, worker, &item, &call)
        : buffers->input + item.image * from->image + first_plane(plan, group.set) * from->plane;
    float *output = buffers->output + item.image * to->image;
    _Alignas(64) float tile_output[OREPA_MULTIPLY_MOST_SUMS * 16];
    const float *residual =
        shape->has_residual ? buffers->residual + item.image * add->image + group.first * add->plane : NULL;

    // The tiles that pass over these weights until the worker's next group's are needed: each prefetches its share of
    // those.
    const int64_t passes =
        plan->direct.rows_first ? item.end - item.begin : (int64_t)group.tiles * plan->direct.height;
    const int64_t floats = (int64_t)group.blocks * 16 * plan->direct.products;
    const int64_t share = floats / passes;
    const int64_t whole = (int64_t)orepa_multiply_variants[plan->direct.kernel].blocks * 16 * plan->direct.products;
    call.ahead = call.weights + (worker->descends ? -whole : floats)
        + (plan->direct.rows_first ? 0 : item.begin * share);
    call.ahead_step = 2 * group.blocks * 64 / passes;

    int32_t y = (int32_t)(item.begin / group.tiles), i = (int32_t)(item.begin % group.tiles);
    const int32_t least = plan->direct.width / group.tiles, wider = plan->direct.width % group.tiles;
    int32_t x = orepa_multiply_tile_start(plan->direct.width, group.tiles, i);
    const int32_t first = plan->direct.rows_first ? x : 0;   // gathered pixel
    call.ahead_tile = share;
    for (int64_t tile = item.begin; tile < item.end;) {
        // Tiles of a row that are as wide as one another.
        const int32_t pixels = least + (i < wider), alike = (i < wider ? wider : group.tiles) - i;
        const int64_t left = item.end - tile;
        const int32_t tiles = plan->direct.scattered ? 1 : (int32_t)(alike < left ? alike : left);
        call.input = input
            + (plan->direct.gathered
                   ? (int64_t)(x - first) * 16
                   : orepa_map_offset(from, y * shape->stride - shape->padding, x * shape->stride - shape->padding));
        if (residual) call.residual = residual + orepa_map_offset(add, y, x);
        if (plan->direct.scattered) {
            call.output = tile_output;
            call.output_plane = pixels * 16;
            group.kernel->run(&call, pixels, tiles);
            orepa_scatter_pixels(to, output, group.first, group.blocks, x, pixels, tile_output);
        } else {
            if (i == 0)
                orepa_map_clear_border(to, output, group.first, group.first + group.blocks, y, y + 1);
            call.output = output + group.first * to->plane + orepa_map_offset(to, y, x);
            group.kernel->run(&call, pixels, tiles);
        }
        tile += tiles;
        call.ahead += tiles * share;
        x += tiles * pixels;
        i += tiles;
        if (i == group.tiles) y++, i = x = 0;
    }
}

static void run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    for (int64_t item = begin; item < end; item++) run_item(plan, buffers, worker, item);
}

static int64_t multiply_adds(const orepa_convolution_plan *plan)
{
    return (int64_t)plan->direct.sets * plan->direct.blocks * 16 * plan->direct.products * plan->direct.height
        * plan->direct.width;
}

static void write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->direct.kernel];
    snprintf(text, size, "%dx%d", kernel->pixels, kernel->blocks);
}

const orepa_algorithm_functions orepa_direct_algorithm = {
    "direct", choose, schedule, pack, run, multiply_adds, write_tiles};
