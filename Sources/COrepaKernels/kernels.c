#include "kernels.h"

#define OREPA_MULTIPLY(set, tile, step, pixels, blocks) \
    {"multiply_" #tile, orepa_isa_##set, step, pixels, blocks, orepa_f32_multiply_##tile##__##set},
#define OREPA_SINGLE(operation, type)
const orepa_multiply_variant orepa_multiply_variants[] = {
#include "kernels.inc"
};
#undef OREPA_MULTIPLY
#undef OREPA_SINGLE

const int32_t orepa_multiply_variant_count = sizeof orepa_multiply_variants / sizeof *orepa_multiply_variants;

#define OREPA_MULTIPLY(...)
#define OREPA_ENTER(set, operation, type) [orepa_isa_##set].operation = orepa_f32_##operation##__##set,
#define OREPA_SINGLE(operation, type) OREPA_EACH_SET(OREPA_ENTER, operation, type)
const orepa_single_kernels orepa_singles[OREPA_ISA_COUNT] = {
#include "kernels.inc"
};
