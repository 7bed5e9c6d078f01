#include "kernels.h"

const orepa_direct_row orepa_direct_rows[] = {
#define DIRECT(set, tile, step, pixels, blocks) \
    {"direct_" #tile, orepa_isa_##set, step, pixels, blocks, orepa_f32_direct_##tile##__##set},
#include "kernels.inc"
#undef DIRECT
};

const int32_t orepa_direct_row_count = sizeof orepa_direct_rows / sizeof *orepa_direct_rows;
