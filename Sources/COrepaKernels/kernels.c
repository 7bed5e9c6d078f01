#include "kernels.h"

#define DIRECT(set, tile, step, pixels, blocks) \
    {"direct_" #tile, orepa_isa_##set, step, pixels, blocks, orepa_f32_direct_##tile##__##set},
#define SINGLE(isa, operation)
const orepa_direct_row orepa_direct_rows[] = {
#include "kernels.inc"
};
#undef DIRECT
#undef SINGLE

const int32_t orepa_direct_row_count = sizeof orepa_direct_rows / sizeof *orepa_direct_rows;

#define DIRECT(...)
#define SINGLE(set, operation) [orepa_isa_##set].operation = orepa_f32_##operation##__##set,
const orepa_single_kernels orepa_singles[OREPA_ISA_COUNT] = {
#include "kernels.inc"
};
