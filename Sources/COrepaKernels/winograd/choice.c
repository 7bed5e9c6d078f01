#include "choice.h"

#include "../kernels.h"
#include "../multiply/choice.h"
#include "geometry.h"
#include "pack.h"
#include "split.h"

int32_t orepa_winograd_rows_of_tiles(const orepa_convolution_plan *plan, int32_t tiles)
{
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    return orepa_min(rows, orepa_max(1, tiles / orepa_winograd_tiles(&plan->winograd.columns)));
}

double orepa_winograd_choose_kernels(
    const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, bool once, int32_t group,
    const int8_t *together, int16_t kernels[OREPA_WINOGRAD_POSITIONS])
{
    double cost = 0;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        if (plan->winograd.number[q] < 0) continue;
        const int32_t entries = geometry->entries[q];
        kernels[q] = orepa_multiply_choose(
            plan->isa, 16, entries, once ? entries : 1, group,
            together ? 1u << together[q] : orepa_blocks_dividing(group));
        cost += orepa_multiply_cost(kernels[q], entries, group);
    }
    return cost;
}

// With one block of tiles to an image the weights are read once, from memory: then a kernel should take all tiles of a
// position in one pass, and few output blocks, so that its weights are one steady stream.
enum { MOST_BLOCKS_READ_ONCE = 2, MOST_BLOCKS = 4 };

static int32_t choose_group(const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, bool once)
{
    const int32_t blocks = plan->winograd.blocks;
    int32_t best = 1;
    double least = 0;
    for (int32_t group = 1; group <= orepa_min(once ? MOST_BLOCKS_READ_ONCE : MOST_BLOCKS, blocks); group++) {
        int16_t kernels[OREPA_WINOGRAD_POSITIONS];
        double cost = blocks / group * orepa_winograd_choose_kernels(plan, geometry, once, group, NULL, kernels);
        if (blocks % group)
            cost += orepa_winograd_choose_kernels(plan, geometry, once, blocks % group, NULL, kernels);
        if (group > 1 && cost >= least) continue;
        least = cost;
        best = group;
    }
    return best;
}

// Groups output blocks, by a block of tiles of an image. Its number of tiles is no processor's, so that what is packed
// stays the same: a change raises OREPA_PACKING_VERSION.
static void choose_packing(orepa_convolution_plan *plan)
{
    enum { PACKING_TILES = 21 };
    const int32_t rows = orepa_winograd_tiles(&plan->winograd.rows);
    const int32_t most = orepa_winograd_rows_of_tiles(plan, PACKING_TILES);
    const orepa_winograd_geometry geometry = orepa_winograd_geometry_of(
        plan->shape.stride, &plan->winograd.rows, &plan->winograd.columns, 1, 0,
        orepa_multiply_tile_start(rows, orepa_divide_up(rows, most), 1));
    const bool once = most == rows;
    plan->winograd.group = choose_group(plan, &geometry, once);
    const int32_t sizes[2] = {plan->winograd.group, plan->winograd.blocks % plan->winograd.group};
    int8_t *together[2] = {plan->winograd.together, plan->winograd.tail_together};
    for (int i = 0; i < 2 && sizes[i]; i++) {
        int16_t kernels[OREPA_WINOGRAD_POSITIONS] = {0};
        orepa_winograd_choose_kernels(plan, &geometry, once, sizes[i], NULL, kernels);
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            together[i][q] = (int8_t)orepa_multiply_variants[kernels[q]].blocks;
    }
}

bool orepa_winograd_choose(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    if (shape->kernel != 3 || shape->groups != 1) return false;
    if (shape->stride != 1 && shape->stride != 2) return false;
    if (shape->input.block != 16 || shape->output.block != 16) return false;
    if (shape->input.border < shape->padding) return false;

    orepa_winograd_split *rows = &plan->winograd.rows, *columns = &plan->winograd.columns;
    if (orepa_winograd_tiles(rows) == 0)
        orepa_winograd_choose_splits(shape->stride, shape->output.height, shape->output.width, rows, columns);
    for (int32_t kind = 0; kind < OREPA_WINOGRAD_KINDS; kind++)
        plan->winograd.column_entries[kind] =
            orepa_winograd_entries(columns, shape->stride, kind, orepa_winograd_tiles(columns));
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        const int32_t kind = q / OREPA_WINOGRAD_KINDS;
        const bool used = orepa_winograd_entries(rows, shape->stride, kind, orepa_winograd_tiles(rows))
            && plan->winograd.column_entries[q % OREPA_WINOGRAD_KINDS];
        plan->winograd.number[q] = used ? (int8_t)plan->winograd.positions++ : -1;
    }
    plan->winograd.blocks = orepa_map_blocks(&shape->output);
    choose_packing(plan);
    plan->packed_floats = orepa_winograd_packed_floats(plan);
    plan->pack_items = orepa_winograd_group_count(plan);
    return true;
}
