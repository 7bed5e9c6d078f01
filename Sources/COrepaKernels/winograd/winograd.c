// Winograd convolution: which tiles, how the work is cut, and how an item is computed.
//
// V, the transformed input of a block of tiles: [position][input block][entries][16]. Seen at one position it
// is a map whose pixels are the tiles' entries, and the product with the weights is a direct 1x1 convolution
// of that map.
// M, the products of a group of output blocks: [position][block][entries][16], transformed back at once.
//
// A block of tiles is rows of tiles of one image, or some whole images. An item is a group of output blocks of
// a block of tiles.
#include <stdio.h>

#include "../convolution.h"
#include "../kernels.h"
#include "../direct/choice.h"
#include "pack.h"
#include "split.h"

// Entries of a block at each position, and where each position begins.
typedef struct {
    int32_t image, images, row, rows;
    int32_t row_entries[OREPA_WINOGRAD_KINDS];      // of an image's part of the block
    int32_t column_entries[OREPA_WINOGRAD_KINDS];   // of a row of tiles
    int32_t entries[OREPA_WINOGRAD_POSITIONS], start[OREPA_WINOGRAD_POSITIONS];
    int32_t even[OREPA_WINOGRAD_POSITIONS];         // earlier positions whose number of entries is even
    int32_t all;
} tile_block;

// Entries of a row kind in one image between two rows of tiles.
static int32_t row_entries(const orepa_convolution_plan *plan, int32_t kind, int32_t from, int32_t to)
{
    const int32_t stride = plan->shape.stride;
    return orepa_winograd_entries(&plan->winograd.rows, stride, kind, to)
        - orepa_winograd_entries(&plan->winograd.rows, stride, kind, from);
}

// Entries of a column kind in a row of tiles.
static int32_t column_entries(const orepa_convolution_plan *plan, int32_t kind)
{
    const orepa_winograd_split *columns = &plan->winograd.columns;
    return orepa_winograd_entries(columns, plan->shape.stride, kind, orepa_winograd_tiles(columns));
}

static tile_block block_at(const orepa_convolution_plan *plan, int32_t index)
{
    const int32_t all_rows = orepa_winograd_tiles(&plan->winograd.rows);
    const int32_t in_image = orepa_divide_up(all_rows, plan->winograd.rows_per_block);
    tile_block block = {0};
    block.image = index / in_image * plan->winograd.images_per_block;
    block.images = orepa_min(plan->winograd.images_per_block, plan->shape.images - block.image);
    // Rows are dealt evenly.
    block.row = orepa_direct_tile_start(all_rows, in_image, index % in_image);
    block.rows = orepa_direct_tile_start(all_rows, in_image, index % in_image + 1) - block.row;
    for (int32_t kind = 0; kind < OREPA_WINOGRAD_KINDS; kind++) {
        block.row_entries[kind] = row_entries(plan, kind, block.row, block.row + block.rows);
        block.column_entries[kind] = column_entries(plan, kind);
    }
    int32_t even = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        block.start[q] = block.all;
        block.even[q] = even;
        block.entries[q] = block.images * block.row_entries[q / OREPA_WINOGRAD_KINDS]
            * block.column_entries[q % OREPA_WINOGRAD_KINDS];
        block.all += block.entries[q];
        even += block.entries[q] % 2 == 0;
    }
    return block;
}

// Where a position begins in V or M of `planes` planes, in floats. Positions are an odd number of cache lines apart, for
// which one is left free where need be: a transform writes, or reads, a line of each, which must not all fall into the
// same few sets of the cache.
static int64_t position_start(const tile_block *block, int32_t q, int32_t planes)
{
    return ((int64_t)block->start[q] * planes + (planes % 2 == 0 ? q : block->even[q])) * 16;
}

// Floats of V or M.
static int64_t position_floats(int32_t entries, int32_t planes)
{
    return ((int64_t)entries * planes + OREPA_WINOGRAD_POSITIONS) * 16;
}

static int32_t input_blocks(const orepa_convolution_plan *plan)
{
    return orepa_map_blocks(&plan->shape.input);
}

// Where a row of tiles begins at each position of V or M, in floats, for plane 0 of `planes`.
typedef struct {
    int64_t at[OREPA_WINOGRAD_POSITIONS];
} row_starts;

static row_starts starts_of(
    const orepa_convolution_plan *plan, const tile_block *block, int32_t image, int32_t row,
    int32_t planes)
{
    row_starts starts;
    for (int32_t i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
        const int64_t rows = (int64_t)(image - block->image) * block->row_entries[i]
            + row_entries(plan, i, block->row, row);
        for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++) {
            const int32_t q = i * OREPA_WINOGRAD_KINDS + j;
            starts.at[q] = position_start(block, q, planes) + rows * block->column_entries[j] * 16;
        }
    }
    return starts;
}

// The same in plane `plane`.
static int64_t start_in(const row_starts *starts, const tile_block *block, int32_t q, int32_t plane)
{
    return starts->at[q] + (int64_t)plane * block->entries[q] * 16;
}

static void transform_row(
    const orepa_convolution_plan *plan, const tile_block *block, const float *input, float *v,
    int32_t image, int32_t row)
{
    const orepa_map *from = &plan->shape.input;
    const int32_t y = orepa_winograd_tile_start(&plan->winograd.rows, row);
    orepa_winograd_input_call call = {
        .input = input + image * from->image
            + orepa_map_offset(
                from, y * plan->shape.stride - plan->shape.padding, -plan->shape.padding),
        .input_row = from->row,
        .columns = plan->winograd.columns,
        .height = orepa_winograd_tile_size(&plan->winograd.rows, row),
    };
    for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
        call.entry_row[j] = (int64_t)block->column_entries[j] * 16;
    const row_starts starts = starts_of(plan, block, image, row, input_blocks(plan));
    for (int32_t plane = 0; plane < input_blocks(plan); plane++, call.input += from->plane) {
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            call.position[q] = v + start_in(&starts, block, q, plane);
        if (plan->shape.stride == 1)
            orepa_singles[plan->isa].winograd_input_stride1(&call);
        else
            orepa_singles[plan->isa].winograd_input_stride2(&call);
    }
}

static void transform(
    const orepa_convolution_plan *plan, const tile_block *block, const float *input, float *v)
{
    for (int32_t image = block->image; image < block->image + block->images; image++)
        for (int32_t row = block->row; row < block->row + block->rows; row++)
            transform_row(plan, block, input, v, image, row);
}

// The first output block of the group that a worker probably computes after the one that begins at `first`.
static int32_t next_group(const orepa_convolution_plan *plan, bool descends, int32_t first)
{
    const int32_t group = plan->winograd.group, blocks = plan->winograd.blocks;
    if (descends) return first > 0 ? first - group : (orepa_divide_up(blocks, group) - 1) * group;
    return first + group < blocks ? first + group : 0;
}

static void multiply(
    const orepa_convolution_plan *plan, const tile_block *block, const float *v, const float *packed,
    float *m, int32_t first, int32_t group, int32_t next)
{
    const orepa_map *from = &plan->shape.input;
    const int32_t planes = input_blocks(plan), depth = from->channels - (planes - 1) * 16;
    const int16_t *kernels =
        group == plan->winograd.group ? plan->winograd.kernel : plan->winograd.tail_kernel;
    const float *weights = packed + orepa_winograd_weights_start(plan, first);
    // Positions with few entries use their weights up faster than they are fetched, the others slower.
    const float *ahead = weights + (int64_t)plan->tuning.paced_lines * OREPA_CACHE_LINE / (int64_t)sizeof(float);
    const float *const end = packed + orepa_winograd_weights_start(plan, first + group);
    const float *const after = packed + orepa_winograd_weights_start(plan, next);
    const int64_t ahead_tile = (int64_t)plan->winograd.ahead_step * from->channels / 2 / (int64_t)sizeof(float);
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        if (plan->winograd.number[q] < 0) continue;
        const int32_t width = block->entries[q];
        const orepa_direct_row *kernel = &orepa_direct_rows[kernels[q]];
        const int64_t products = (int64_t)from->channels * 16 * kernel->blocks;
        if (width == 0) {
            weights += products * (group / kernel->blocks);
            continue;
        }
        const int32_t tiles = orepa_direct_tiles(width, kernel->pixels);
        orepa_direct_call call = {
            .weights = weights,
            .input_plane = (int64_t)width * 16,
            .output_plane = (int64_t)width * 16,
            .step = 16,
            .stream_ahead = (int64_t)plan->tuning.stream_lines * OREPA_CACHE_LINE,
            .stream_into_l1 = plan->tuning.stream_into_l1,
            .ahead_step = plan->winograd.ahead_step,
            .ahead_tile = ahead_tile,
            .planes = planes,
            .rows = 1,
            .run = 16,
            .last_segments = 1,
            .last_run = depth,
        };
        const float *input = v + position_start(block, q, planes);
        float *output = m + position_start(block, q, group);
        const int32_t least = width / tiles, wider = width % tiles;
        for (int32_t b = 0; b < group; b += kernel->blocks, call.weights += products) {
            call.input = input;
            call.output = output + b * call.output_plane;
            call.ahead = ahead < end ? ahead : after + (ahead - end);
            if (wider) kernel->run(&call, least + 1, wider);
            call.input += (int64_t)wider * (least + 1) * 16;
            call.output += (int64_t)wider * (least + 1) * 16;
            call.ahead += wider * ahead_tile;
            kernel->run(&call, least, tiles - wider);
            ahead += tiles * ahead_tile;
        }
        weights = call.weights;
    }
}

static void transform_row_back(
    const orepa_convolution_plan *plan, const tile_block *block,
    const orepa_convolution_buffers *buffers, const float *m, int32_t image, int32_t row,
    int32_t first, int32_t group)
{
    const orepa_map *to = &plan->shape.output, *add = &plan->shape.residual;
    const int32_t y = orepa_winograd_tile_start(&plan->winograd.rows, row);
    float *output = buffers->output + image * to->image;
    orepa_winograd_output_call call = {
        .output_row = to->row,
        .residual_row = add->row,
        .columns = plan->winograd.columns,
        .height = orepa_winograd_tile_size(&plan->winograd.rows, row),
        .relu = plan->shape.relu,
    };
    for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
        call.entry_row[j] = (int64_t)block->column_entries[j] * 16;
    const row_starts starts = starts_of(plan, block, image, row, group);
    for (int32_t b = 0; b < group; b++) {
        call.bias = buffers->packed + (first + b) * 16;
        call.output = output + (first + b) * to->plane + orepa_map_offset(to, y, 0);
        if (plan->shape.has_residual)
            call.residual = buffers->residual + image * add->image + (first + b) * add->plane
                + orepa_map_offset(add, y, 0);
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            call.position[q] = m + start_in(&starts, block, q, b);
        orepa_map_clear_border(to, output, first + b, first + b + 1, y, y + call.height);
        if (plan->shape.stride == 1)
            orepa_singles[plan->isa].winograd_output_stride1(&call);
        else
            orepa_singles[plan->isa].winograd_output_stride2(&call);
    }
}

static void transform_back(
    const orepa_convolution_plan *plan, const tile_block *block,
    const orepa_convolution_buffers *buffers, const float *m, int32_t first, int32_t group)
{
    for (int32_t image = block->image; image < block->image + block->images; image++)
        for (int32_t row = block->row; row < block->row + block->rows; row++)
            transform_row_back(plan, block, buffers, m, image, row, first, group);
}

static int32_t group_count(const orepa_convolution_plan *plan)
{
    return orepa_divide_up(plan->winograd.blocks, plan->winograd.group);
}

// Groups of output blocks of one block of tiles come one after the other, so that a worker mostly finds the V
// that it needs. Workers at the same block of tiles each make their own: that is less work than fetching it
// from another processor's cache.
static void run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    float *v = worker->scratch;
    for (int64_t item = begin; item < end; item++) {
        const int32_t index = (int32_t)(item / group_count(plan));
        const int32_t first = (int32_t)(item % group_count(plan)) * plan->winograd.group;
        const tile_block block = block_at(plan, index);
        if (worker->run != buffers->run || worker->part != index) {
            transform(plan, &block, buffers->input, v);
            worker->run = buffers->run;
            worker->part = index;
        }
        float *m = v + position_floats(block.all, input_blocks(plan));
        const int32_t group = orepa_min(plan->winograd.group, plan->winograd.blocks - first);
        const int32_t next = next_group(plan, worker->descends, first);
        multiply(plan, &block, v, buffers->packed, m, first, group, next);
        transform_back(plan, &block, buffers, m, first, group);
    }
}

// The rows of tiles in a block of at most this many tiles.
static int32_t rows_of_tiles(const orepa_convolution_plan *plan, int32_t tiles)
{
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    return orepa_min(rows, orepa_max(1, tiles / orepa_winograd_tiles(&plan->winograd.columns)));
}

// With one block of tiles to an image the weights are read once, from memory: then a kernel should take all
// tiles of a position in one pass, and few output blocks, so that its weights are one steady stream.
static bool passes_once(const orepa_convolution_plan *plan)
{
    return plan->winograd.rows_per_block == orepa_winograd_tiles(&plan->winograd.rows);
}

// Chooses the kernels of every position for groups of this many blocks; the cost of one whole group. Where
// `like` is given, kernels take as many blocks as those.
static double choose_kernels(
    const orepa_convolution_plan *plan, const tile_block *block, int32_t group, const int16_t *like,
    int16_t kernels[36])
{
    double cost = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        if (plan->winograd.number[q] < 0) continue;
        kernels[q] = orepa_direct_choose(
            plan->isa, 16, block->entries[q], passes_once(plan) ? block->entries[q] : 1, group,
            like ? 1u << orepa_direct_rows[like[q]].blocks : orepa_blocks_dividing(group));
        cost += orepa_direct_cost(kernels[q], block->entries[q], group);
    }
    return cost;
}

static int32_t choose_group(const orepa_convolution_plan *plan, const tile_block *block)
{
    const int32_t blocks = plan->winograd.blocks;
    int32_t best = 1;
    double least = 0;
    for (int32_t group = 1; group <= orepa_min(passes_once(plan) ? 2 : 4, blocks); group++) {
        int16_t kernels[OREPA_WINOGRAD_POSITIONS];
        double cost = blocks / group * choose_kernels(plan, block, group, NULL, kernels);
        if (blocks % group) cost += choose_kernels(plan, block, blocks % group, NULL, kernels);
        if (group > 1 && cost >= least) continue;
        least = cost;
        best = group;
    }
    return best;
}

// Weights are read at each position's own speed, but come from memory at a steady one: the average.
static int32_t choose_ahead_step(const orepa_convolution_plan *plan, const tile_block *block)
{
    int32_t weights = 0, passes = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        if (block->entries[q] == 0) continue;
        const orepa_direct_row *kernel = &orepa_direct_rows[plan->winograd.kernel[q]];
        const int32_t runs = plan->winograd.group / kernel->blocks;
        weights += runs * kernel->blocks * 64;
        passes += runs * orepa_direct_tiles(block->entries[q], kernel->pixels);
    }
    return 2 * weights / passes;
}

// Tiles of the block by which weights are grouped: a number of its own, so that what is packed stays the same.
enum { PACKING_TILES = 21 };

// How output blocks are grouped, and of how many blocks each kernel is, decides how weights lie in memory. It
// follows from one image, so that plans for any number of images and threads can share packed weights.
static void choose_group_and_kernels(orepa_convolution_plan *plan, const tile_block *block)
{
    orepa_convolution_plan single = *plan;
    single.shape.images = single.winograd.images_per_block = 1;
    single.winograd.rows_per_block = rows_of_tiles(plan, PACKING_TILES);
    const tile_block alone = block_at(&single, 0);
    plan->winograd.group = choose_group(&single, &alone);
    const int32_t sizes[2] = {plan->winograd.group, plan->winograd.blocks % plan->winograd.group};
    int16_t *kernels[2] = {plan->winograd.kernel, plan->winograd.tail_kernel};
    for (int i = 0; i < 2 && sizes[i]; i++) {
        int16_t like[OREPA_WINOGRAD_POSITIONS];
        choose_kernels(&single, &alone, sizes[i], NULL, like);
        choose_kernels(plan, block, sizes[i], like, kernels[i]);
    }
    plan->winograd.ahead_step = choose_ahead_step(plan, block);
}

static int32_t most_tiles(const orepa_convolution_plan *plan)
{
    return plan->shape.threads == 1 ? plan->tuning.tiles_alone : plan->tuning.tiles_shared;
}

// How many images may make a block: so that each thread has some of its own, or as many as there are.
static int32_t most_images(const orepa_convolution_plan *plan)
{
    const int32_t images = plan->shape.images;
    if (plan->tuning.fills_blocks_with_images) return images;
    return orepa_divide_up(images, orepa_max(1, plan->shape.threads));
}

static bool prepare(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    if (shape->kernel != 3 || shape->groups != 1) return false;
    if (shape->stride != 1 && shape->stride != 2) return false;
    if (shape->input.block != 16 || shape->output.block != 16) return false;
    if (shape->input.border < shape->padding) return false;

    if (orepa_winograd_tiles(&plan->winograd.rows) == 0)
        orepa_winograd_choose_splits(
            shape->stride, shape->output.height, shape->output.width, &plan->winograd.rows,
            &plan->winograd.columns);
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    const int32_t columns = orepa_winograd_tiles(&plan->winograd.columns);
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        const bool used = row_entries(plan, q / OREPA_WINOGRAD_KINDS, 0, rows)
            && column_entries(plan, q % OREPA_WINOGRAD_KINDS);
        plan->winograd.number[q] = used ? (int8_t)plan->winograd.positions++ : -1;
    }

    // Large maps are cut into blocks of some tiles, one after the other in L2. Of small ones, whose weights are
    // many and come from memory, some images make a block.
    const int64_t tiles = (int64_t)rows * columns;
    plan->winograd.rows_per_block = rows_of_tiles(plan, most_tiles(plan));
    plan->winograd.images_per_block = plan->winograd.rows_per_block == rows
        ? orepa_min(most_images(plan), orepa_max(1, (int32_t)(plan->tuning.tiles_of_images / tiles)))
        : 1;
    // A tile has at most three entries for each output in a dimension.
    enum { MOST_ENTRIES = 1 << 28 };
    const int64_t outputs = (int64_t)plan->winograd.rows_per_block * OREPA_WINOGRAD_LARGEST
        * plan->winograd.images_per_block * shape->output.width;
    if (outputs > MOST_ENTRIES / 9) return false;
    plan->winograd.tile_blocks = orepa_divide_up(rows, plan->winograd.rows_per_block)
        * orepa_divide_up(shape->images, plan->winograd.images_per_block);

    const tile_block block = block_at(plan, 0);
    plan->winograd.blocks = orepa_map_blocks(&shape->output);
    choose_group_and_kernels(plan, &block);

    int32_t largest = 0;
    for (int32_t index = 0; index < plan->winograd.tile_blocks; index++)
        largest = orepa_max(largest, block_at(plan, index).all);
    plan->packed_floats = orepa_winograd_packed_floats(plan);
    plan->pack_items = group_count(plan);
    plan->worker_floats =
        (size_t)(position_floats(largest, input_blocks(plan)) + position_floats(largest, plan->winograd.group));
    plan->items = (int64_t)plan->winograd.tile_blocks * group_count(plan);
    return true;
}

// Entries of one image at a position.
static int64_t entries_at(const orepa_convolution_plan *plan, int32_t position)
{
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    return (int64_t)row_entries(plan, position / OREPA_WINOGRAD_KINDS, 0, rows)
        * column_entries(plan, position % OREPA_WINOGRAD_KINDS);
}

static int64_t multiply_adds(const orepa_convolution_plan *plan)
{
    int64_t entries = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) entries += entries_at(plan, q);
    return entries * plan->shape.input.channels * plan->winograd.blocks * 16;
}

// Such as "4+4+4+2", or "13*4+3+1" where there are more than four of a size; how many characters.
static size_t write_split(const orepa_winograd_split *split, char *text, size_t size)
{
    size_t length = 0;
    const char *plus = "";
    for (int32_t m = OREPA_WINOGRAD_LARGEST; m >= 1 && length < size; m--) {
        const int32_t count = split->count[m], parts = count > 4 ? 1 : count;
        for (int32_t i = 0; i < parts && length < size; i++, plus = "+")
            length += (size_t)(count > 4 ? snprintf(text + length, size - length, "%s%d*%d", plus, count, m)
                                         : snprintf(text + length, size - length, "%s%d", plus, m));
    }
    return length;
}

// The register tile is that of position 0, which every tile has.
static void write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    const orepa_direct_row *row = &orepa_direct_rows[plan->winograd.kernel[0]];
    size_t length = write_split(&plan->winograd.rows, text, size);
    if (length < size) length += (size_t)snprintf(text + length, size - length, " x ");
    if (length < size) length += write_split(&plan->winograd.columns, text + length, size - length);
    if (length < size) snprintf(text + length, size - length, ", %dx%d", row->pixels, row->blocks);
}

const orepa_algorithm_row orepa_winograd_algorithm = {
    "winograd", prepare, orepa_winograd_pack, run, multiply_adds, write_tiles};
