// The table of all kernels.
#ifndef OREPA_KERNELS_H
#define OREPA_KERNELS_H

#include "architecture.h"
#include "direct/direct.h"
#include "orepa_isa.h"

#define DIRECT(isa, tile, ...) orepa_direct_kernel orepa_f32_direct_##tile##__##isa;
#include "kernels.inc"
#undef DIRECT

typedef struct {
    const char *name;
    orepa_isa isa;
    int32_t step, pixels, blocks;
    orepa_direct_kernel *run;
} orepa_direct_row;

extern const orepa_direct_row orepa_direct_rows[];
extern const int32_t orepa_direct_row_count;

#endif
