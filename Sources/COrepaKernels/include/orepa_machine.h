// What a processor can do at most, to hold the kernels against.
#ifndef OREPA_MACHINE_H
#define OREPA_MACHINE_H

#include "orepa_isa.h"

// Multiply-adds of 16 floats in a round of orepa_machine_multiply.
enum { OREPA_MACHINE_VECTORS = 12 };

// Does rounds * OREPA_MACHINE_VECTORS multiply-adds of 16 floats in registers, as many independent ones at a
// time as keep the processor busy, and returns the sum of all products: factor * factor for each.
float orepa_machine_multiply(orepa_isa isa, float factor, int64_t rounds);

// Reads `count` floats (a multiple of 64, aligned to 64 bytes) in order and returns their sum.
float orepa_machine_read(orepa_isa isa, const float *memory, int64_t count);

#endif
