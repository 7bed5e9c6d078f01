// Winograd weights: transformed and packed.
#ifndef OREPA_WINOGRAD_PACK_H
#define OREPA_WINOGRAD_PACK_H

#include "../convolution.h"

// Packed: bias [blocks][16], then for each group of output blocks, for each used position, for each of its
// kernel's groups of g blocks [input channels][g][16]: one stream in the order of use.
size_t orepa_winograd_packed_floats(const orepa_convolution_plan *plan);

// Where the weights of the group that begins at this block begin.
int64_t orepa_winograd_weights_start(const orepa_convolution_plan *plan, int32_t block);

// Groups of output blocks.
static inline int32_t orepa_winograd_group_count(const orepa_convolution_plan *plan)
{
    return orepa_divide_up(plan->winograd.blocks, plan->winograd.group);
}

// An item is a group of output blocks.
void orepa_winograd_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop);

#endif
