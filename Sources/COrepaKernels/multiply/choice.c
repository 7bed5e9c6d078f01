#include "choice.h"

#include "../kernels.h"

// A cycle is a multiply-add of 16 lanes, and as long takes a load; the fewer of the two mostly hide behind the others.
// These decide how weights are packed: a change of one raises OREPA_PACKING_VERSION.
static const double hidden = 0.1;             // cycles of an operation behind the others
static const double weights_from_l2 = 0.4;    // that those of a block of weights take more than others
static const double sum_latency = 4;          // no tile in less
static const double any_step = 1.05;          // times, for a kernel that computes its addresses
static const double last_resort = 1000;       // times, for a kernel of fewer pixels than are wanted

double orepa_multiply_cost(int32_t index, int32_t width, int32_t blocks)
{
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[index];
    const int32_t tiles = orepa_multiply_tiles(width, kernel->pixels);
    const double pixels = (double)width / tiles;
    const double loads = pixels + kernel->blocks, sums = pixels * kernel->blocks;
    const double cycles =
        (sums > loads ? sums + hidden * loads : loads + hidden * sums) + weights_from_l2 * kernel->blocks;
    return tiles * (cycles > sum_latency ? cycles : sum_latency) * blocks / kernel->blocks
        * (kernel->step ? 1 : any_step);
}

int16_t orepa_multiply_choose(
    orepa_isa isa, int64_t step, int32_t width, int32_t pixels, int32_t blocks, uint32_t allowed)
{
    int16_t best = -1;
    double least = 0;
    for (int16_t i = 0; i < orepa_multiply_variant_count; i++) {
        const orepa_multiply_variant *kernel = &orepa_multiply_variants[i];
        if (kernel->isa != isa || (kernel->step != 0 && kernel->step != step)) continue;
        if (!(allowed >> kernel->blocks & 1)) continue;
        double cost = orepa_multiply_cost(i, width, blocks);
        if (kernel->pixels < pixels) cost *= last_resort;
        if (best >= 0 && cost >= least) continue;
        best = i;
        least = cost;
    }
    return best;
}
