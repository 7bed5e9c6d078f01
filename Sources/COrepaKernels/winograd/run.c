#include "run.h"

#include "../kernels.h"
#include "../multiply/choice.h"
#include "geometry.h"
#include "pack.h"
#include "schedule.h"
#include "split.h"

// Where the next row of tiles begins at each position of V or M, in floats, for plane 0.
typedef struct {
    int64_t at[OREPA_WINOGRAD_POSITIONS];
} row_places;

static row_places places_of(const orepa_winograd_geometry *geometry, int32_t planes)
{
    row_places places;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
        places.at[q] = orepa_winograd_position_start(geometry, q, planes);
    return places;
}

// After a row of tiles `height` outputs high.
static void advance(const orepa_convolution_plan *plan, int32_t height, row_places *places)
{
    for (int32_t i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
        const int64_t rows = orepa_winograd_tile_entries(plan->shape.stride, i, height);
        for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
            places->at[i * OREPA_WINOGRAD_KINDS + j] += rows * plan->winograd.column_entries[j] * 16;
    }
}

// The same in plane `plane`.
static int64_t place_in(
    const row_places *places, const orepa_winograd_geometry *geometry, int32_t position, int32_t plane)
{
    return places->at[position] + (int64_t)plane * geometry->entries[position] * 16;
}

// A row of tiles: its image, first output row and outputs in height.
typedef struct {
    int32_t image, y, height;
} tile_row;

static void transform_row(
    const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, const row_places *places,
    const float *input, float *v, tile_row row)
{
    const orepa_map *from = &plan->shape.input;
    const int32_t padding = plan->shape.padding;
    orepa_winograd_input_call call = {
        .input =
            input + row.image * from->image + orepa_map_offset(from, row.y * plan->shape.stride - padding, -padding),
        .input_row = from->row,
        .columns = plan->winograd.columns,
        .height = row.height,
    };
    for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
        call.entry_row[j] = (int64_t)plan->winograd.column_entries[j] * 16;
    for (int32_t plane = 0; plane < orepa_map_blocks(from); plane++, call.input += from->plane) {
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            call.position[q] = v + place_in(places, geometry, q, plane);
        if (plan->shape.stride == 1)
            orepa_singles[plan->isa].winograd_input_stride1(&call);
        else
            orepa_singles[plan->isa].winograd_input_stride2(&call);
    }
}

static void transform(
    const orepa_convolution_plan *plan, const orepa_winograd_block *block, const float *input, float *v)
{
    const orepa_winograd_geometry *geometry = block->geometry;
    const orepa_winograd_split *rows = &plan->winograd.rows;
    row_places places = places_of(geometry, orepa_map_blocks(&plan->shape.input));
    for (int32_t image = block->image; image < block->image + geometry->images; image++) {
        tile_row row = {.image = image, .y = orepa_winograd_tile_start(rows, block->row)};
        for (int32_t tile = block->row; tile < block->row + geometry->rows; tile++, row.y += row.height) {
            row.height = orepa_winograd_tile_size(rows, tile);
            transform_row(plan, geometry, &places, input, v, row);
            advance(plan, row.height, &places);
        }
    }
}

// The first output block of the group that a worker probably computes after the one that begins at `first`.
static int32_t next_group(const orepa_convolution_plan *plan, bool descends, int32_t first)
{
    const int32_t group = plan->winograd.group, blocks = plan->winograd.blocks;
    if (descends) return first > 0 ? first - group : (orepa_divide_up(blocks, group) - 1) * group;
    return first + group < blocks ? first + group : 0;
}

// The products of a group of output blocks at every position.
static void multiply(
    const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, const float *v,
    const float *packed, float *m, int32_t first, int32_t group, int32_t next)
{
    const orepa_map *from = &plan->shape.input;
    const int32_t planes = orepa_map_blocks(from), depth = from->channels - (planes - 1) * 16;
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
        const int32_t width = geometry->entries[q];
        const orepa_multiply_variant *kernel = &orepa_multiply_variants[kernels[q]];
        const int64_t products = (int64_t)from->channels * 16 * kernel->blocks;
        if (width == 0) {
            weights += products * (group / kernel->blocks);
            continue;
        }
        const int32_t tiles = orepa_multiply_tiles(width, kernel->pixels);
        orepa_multiply_call call = {
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
            .length = 16,
            .last_segments = 1,
            .last_length = depth,
        };
        const float *input = v + orepa_winograd_position_start(geometry, q, planes);
        float *output = m + orepa_winograd_position_start(geometry, q, group);
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
    const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, const row_places *places,
    const orepa_convolution_buffers *buffers, const float *m, tile_row row, int32_t first, int32_t group)
{
    const orepa_map *to = &plan->shape.output, *add = &plan->shape.residual;
    float *output = buffers->output + row.image * to->image;
    orepa_winograd_output_call call = {
        .output_row = to->row,
        .residual_row = add->row,
        .columns = plan->winograd.columns,
        .height = row.height,
        .relu = plan->shape.relu,
    };
    for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
        call.entry_row[j] = (int64_t)plan->winograd.column_entries[j] * 16;
    for (int32_t b = 0; b < group; b++) {
        call.bias = buffers->packed + (first + b) * 16;
        call.output = output + (first + b) * to->plane + orepa_map_offset(to, row.y, 0);
        if (plan->shape.has_residual)
            call.residual = buffers->residual + row.image * add->image + (first + b) * add->plane
                + orepa_map_offset(add, row.y, 0);
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            call.position[q] = m + place_in(places, geometry, q, b);
        orepa_map_clear_border(to, output, first + b, first + b + 1, row.y, row.y + row.height);
        if (plan->shape.stride == 1)
            orepa_singles[plan->isa].winograd_output_stride1(&call);
        else
            orepa_singles[plan->isa].winograd_output_stride2(&call);
    }
}

static void transform_back(
    const orepa_convolution_plan *plan, const orepa_winograd_block *block,
    const orepa_convolution_buffers *buffers, const float *m, int32_t first, int32_t group)
{
    const orepa_winograd_geometry *geometry = block->geometry;
    const orepa_winograd_split *rows = &plan->winograd.rows;
    row_places places = places_of(geometry, group);
    for (int32_t image = block->image; image < block->image + geometry->images; image++) {
        tile_row row = {.image = image, .y = orepa_winograd_tile_start(rows, block->row)};
        for (int32_t tile = block->row; tile < block->row + geometry->rows; tile++, row.y += row.height) {
            row.height = orepa_winograd_tile_size(rows, tile);
            transform_row_back(plan, geometry, &places, buffers, m, row, first, group);
            advance(plan, row.height, &places);
        }
    }
}

// Groups of output blocks of one block of tiles come one after the other, so that a worker mostly finds the V
// that it needs. Workers at the same block of tiles each make their own: that is less work than fetching it
// from another processor's cache.
void orepa_winograd_run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    const int32_t groups = orepa_winograd_group_count(plan);
    float *v = worker->scratch;
    for (int64_t item = begin; item < end; item++) {
        const int32_t index = (int32_t)(item / groups);
        const int32_t first = (int32_t)(item % groups) * plan->winograd.group;
        const orepa_winograd_block block = orepa_winograd_block_at(plan, index);
        if (worker->serial != buffers->serial || worker->part != index) {
            transform(plan, &block, buffers->input, v);
            worker->serial = buffers->serial;
            worker->part = index;
        }
        float *m = v + orepa_winograd_position_floats(block.geometry->all, orepa_map_blocks(&plan->shape.input));
        const int32_t group = orepa_min(plan->winograd.group, plan->winograd.blocks - first);
        const int32_t next = next_group(plan, worker->descends, first);
        multiply(plan, block.geometry, v, buffers->packed, m, first, group, next);
        transform_back(plan, &block, buffers, m, first, group);
    }
}
