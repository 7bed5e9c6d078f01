#include "schedule.h"

#include <string.h>

#include "../assertion.h"
#include "../kernels.h"
#include "../multiply/choice.h"
#include "choice.h"
#include "geometry.h"
#include "pack.h"
#include "split.h"

// The most tiles of a block of a large map.
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

// Large maps are cut into blocks of some tiles, one after the other in L2. Of small ones, whose weights are many and come
// from memory, some images make a block.
static bool cut_into_blocks(orepa_convolution_plan *plan)
{
    // A tile has at most three entries for each output in a dimension.
    enum { MOST_ENTRIES = 1 << 28, ENTRIES_OF_OUTPUT = 3 * 3 };
    const orepa_convolution *shape = &plan->shape;
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    const int64_t tiles = (int64_t)rows * orepa_winograd_tiles(&plan->winograd.columns);
    const int32_t in_block = orepa_winograd_rows_of_tiles(plan, most_tiles(plan));
    const int32_t together = orepa_max(1, (int32_t)(plan->tuning.tiles_of_images / tiles));
    plan->winograd.images_per_block = in_block == rows ? orepa_min(most_images(plan), together) : 1;
    const int64_t outputs =
        (int64_t)in_block * OREPA_WINOGRAD_LARGEST * plan->winograd.images_per_block * shape->output.width;
    if (outputs > MOST_ENTRIES / ENTRIES_OF_OUTPUT) return false;
    plan->winograd.blocks_of_image = orepa_divide_up(rows, in_block);
    plan->winograd.tile_blocks =
        plan->winograd.blocks_of_image * orepa_divide_up(shape->images, plan->winograd.images_per_block);
    return true;
}

// Blocks after which their geometries come again.
static int32_t period(const orepa_convolution_plan *plan)
{
    return plan->winograd.images_per_block == 1 ? plan->winograd.blocks_of_image : plan->winograd.tile_blocks;
}

// The first row of tiles of a block. Rows are dealt evenly.
static int32_t first_row(const orepa_convolution_plan *plan, int32_t of_image)
{
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    return orepa_multiply_tile_start(rows, plan->winograd.blocks_of_image, of_image);
}

static int32_t first_image(const orepa_convolution_plan *plan, int32_t index)
{
    return index / plan->winograd.blocks_of_image * plan->winograd.images_per_block;
}

// Every geometry that blocks have. Rows of tiles come by size, four of them, and blocks of one row more come first: so
// there are at most five runs of blocks that are alike, and between them three blocks of several sizes.
static void find_geometries(orepa_convolution_plan *plan)
{
    int32_t count = 0;
    for (int32_t index = 0; index < period(plan); index++) {
        const int32_t of_image = index % plan->winograd.blocks_of_image, row = first_row(plan, of_image);
        orepa_winograd_geometry geometry = orepa_winograd_geometry_of(
            plan->shape.stride, &plan->winograd.rows, &plan->winograd.columns,
            orepa_min(plan->winograd.images_per_block, plan->shape.images - first_image(plan, index)), row,
            first_row(plan, of_image + 1) - row);
        if (count > 0) {
            const orepa_winograd_geometry *last = &plan->winograd.geometries[count - 1];
            geometry.first = last->first;
            if (memcmp(last, &geometry, sizeof geometry) == 0) continue;
        }
        OREPA_ASSERT(count < OREPA_WINOGRAD_MOST_GEOMETRIES);
        geometry.first = index;
        plan->winograd.geometries[count++] = geometry;
    }
    plan->winograd.geometry_count = count;
}

// Weights are read at each position's own speed, but come from memory at a steady one: the average.
static int32_t choose_ahead_step(const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry)
{
    int32_t weights = 0, passes = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        if (geometry->entries[q] == 0) continue;
        const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->winograd.kernel[q]];
        const int32_t runs = plan->winograd.group / kernel->blocks;
        weights += runs * kernel->blocks * OREPA_CACHE_LINE;
        passes += runs * orepa_multiply_tiles(geometry->entries[q], kernel->pixels);
    }
    return 2 * weights / passes;
}

static void choose_kernels(orepa_convolution_plan *plan)
{
    const orepa_winograd_geometry *first = &plan->winograd.geometries[0];
    const bool once = plan->winograd.blocks_of_image == 1;
    const int32_t group = plan->winograd.group, left = plan->winograd.blocks % group;
    orepa_winograd_choose_kernels(plan, first, once, group, plan->winograd.together, plan->winograd.kernel);
    if (left)
        orepa_winograd_choose_kernels(
            plan, first, once, left, plan->winograd.tail_together, plan->winograd.tail_kernel);
    plan->winograd.ahead_step = choose_ahead_step(plan, first);
}

bool orepa_winograd_schedule(orepa_convolution_plan *plan)
{
    if (!cut_into_blocks(plan)) return false;
    find_geometries(plan);
    choose_kernels(plan);
    int32_t largest = 0;
    for (int32_t i = 0; i < plan->winograd.geometry_count; i++)
        largest = orepa_max(largest, plan->winograd.geometries[i].all);
    plan->worker_floats =
        (size_t)(orepa_winograd_position_floats(largest, orepa_map_blocks(&plan->shape.input))
                 + orepa_winograd_position_floats(largest, plan->winograd.group));
    plan->items = (int64_t)plan->winograd.tile_blocks * orepa_winograd_group_count(plan);
    return true;
}

orepa_winograd_block orepa_winograd_block_at(const orepa_convolution_plan *plan, int32_t index)
{
    const orepa_winograd_geometry *geometry =
        &plan->winograd.geometries[plan->winograd.geometry_count - 1];
    while (geometry->first > index % period(plan)) geometry--;
    return (orepa_winograd_block){
        .geometry = geometry,
        .image = first_image(plan, index),
        .row = first_row(plan, index % plan->winograd.blocks_of_image),
    };
}
