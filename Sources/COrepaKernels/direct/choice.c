#include "choice.h"

#include "../kernels.h"

// A multiply-add of 16 lanes each cycle, as many loads; those of weights often come from L2; no tile in less than
// the latency of a sum; a kernel for any step computes its addresses.
double orepa_direct_cost(int32_t index, int32_t width, int32_t blocks)
{
    const orepa_direct_row *row = &orepa_direct_rows[index];
    const int32_t tiles = orepa_direct_tiles(width, row->pixels);
    const double pixels = (double)width / tiles;
    const double loads = pixels + row->blocks, sums = pixels * row->blocks;
    const double cycles =
        (sums > loads ? sums + 0.1 * loads : loads + 0.1 * sums) + 0.4 * row->blocks;
    return tiles * (cycles > 4 ? cycles : 4) * blocks / row->blocks * (row->step ? 1 : 1.05);
}

int16_t orepa_direct_choose(
    orepa_isa isa, int64_t step, int32_t width, int32_t pixels, int32_t blocks, uint32_t allowed)
{
    int16_t best = -1;
    double least = 0;
    for (int16_t i = 0; i < orepa_direct_row_count; i++) {
        const orepa_direct_row *row = &orepa_direct_rows[i];
        if (row->isa != isa || (row->step != 0 && row->step != step)) continue;
        if (!(allowed >> row->blocks & 1)) continue;
        double cost = orepa_direct_cost(i, width, blocks);
        if (row->pixels < pixels) cost *= 1000;
        if (best >= 0 && cost >= least) continue;
        best = i;
        least = cost;
    }
    return best;
}
