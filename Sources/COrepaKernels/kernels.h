// The tables of all kernels, made from kernels.inc.
#ifndef OREPA_KERNELS_H
#define OREPA_KERNELS_H

#include "addition/addition.h"
#include "architecture.h"
#include "assertion.h"
#include "grouped/grouped.h"
#include "machine/machine.h"
#include "multiply/multiply.h"
#include "orepa_isa.h"
#include "pooling/pooling.h"
#include "stem/stem.h"
#include "winograd/winograd.h"

// The kernels of which each instruction set has one.
#define OREPA_MULTIPLY(...)
#define OREPA_SINGLE(operation, type) type *operation;
typedef struct {
#include "kernels.inc"
} orepa_single_kernels;
#undef OREPA_MULTIPLY
#undef OREPA_SINGLE

// By orepa_isa.
extern const orepa_single_kernels orepa_singles[OREPA_ISA_COUNT];

// A register tile of the multiply kernels.
typedef struct {
    const char *name;
    orepa_isa isa;
    int32_t step, pixels, blocks;
    orepa_multiply_kernel *run;
} orepa_multiply_variant;

extern const orepa_multiply_variant orepa_multiply_variants[];
extern const int32_t orepa_multiply_variant_count;

#define OREPA_MULTIPLY(set, tile, ...) orepa_multiply_kernel orepa_f32_multiply_##tile##__##set;
#define OREPA_DECLARE(set, operation, type) type orepa_f32_##operation##__##set;
#define OREPA_SINGLE(operation, type) OREPA_EACH_SET(OREPA_DECLARE, operation, type)
#include "kernels.inc"
#undef OREPA_MULTIPLY
#undef OREPA_DECLARE
#undef OREPA_SINGLE

#endif
