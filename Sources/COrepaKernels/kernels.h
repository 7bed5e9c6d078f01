// The tables of all kernels, made from kernels.inc.
#ifndef OREPA_KERNELS_H
#define OREPA_KERNELS_H

#include "addition/addition.h"
#include "architecture.h"
#include "direct/direct.h"
#include "grouped/grouped.h"
#include "machine/machine.h"
#include "orepa_isa.h"
#include "pooling/pooling.h"
#include "stem/stem.h"
#include "winograd/winograd.h"

// The kernels of which each instruction set has one.
typedef struct {
    orepa_machine_multiply_kernel *machine_multiply;
    orepa_machine_read_kernel *machine_read;
    orepa_max_pool_row_kernel *max_pool_row;
    orepa_average_pool_kernel *average_pool;
    orepa_addition_row_kernel *addition_row;
    orepa_winograd_input_stride1_kernel *winograd_input_stride1;
    orepa_winograd_output_stride1_kernel *winograd_output_stride1;
    orepa_winograd_input_stride2_kernel *winograd_input_stride2;
    orepa_winograd_output_stride2_kernel *winograd_output_stride2;
    orepa_winograd_pack_stride1_kernel *winograd_pack_stride1;
    orepa_winograd_pack_stride2_kernel *winograd_pack_stride2;
    orepa_stem_input_kernel *stem_input;
    orepa_stem_output_kernel *stem_output;
    orepa_grouped_width4_stride1_kernel *grouped_width4_stride1;
    orepa_grouped_width4_stride2_kernel *grouped_width4_stride2;
    orepa_grouped_width8_stride1_kernel *grouped_width8_stride1;
    orepa_grouped_width8_stride2_kernel *grouped_width8_stride2;
} orepa_single_kernels;

// By orepa_isa.
extern const orepa_single_kernels orepa_singles[OREPA_ISA_COUNT];

typedef struct {
    const char *name;
    orepa_isa isa;
    int32_t step, pixels, blocks;
    orepa_direct_kernel *run;
} orepa_direct_row;

extern const orepa_direct_row orepa_direct_rows[];
extern const int32_t orepa_direct_row_count;

#define DIRECT(isa, tile, ...) orepa_direct_kernel orepa_f32_direct_##tile##__##isa;
#define SINGLE(isa, operation) orepa_##operation##_kernel orepa_f32_##operation##__##isa;
#include "kernels.inc"
#undef DIRECT
#undef SINGLE

#endif
