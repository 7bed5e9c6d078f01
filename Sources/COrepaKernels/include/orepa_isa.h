// Instruction sets, and the one in use.
#ifndef OREPA_ISA_H
#define OREPA_ISA_H

#include <stdbool.h>
#include <stdint.h>

// Every set computes the same bits. A later one is faster.
typedef enum {
    orepa_isa_portable,
    orepa_isa_avx2,
    orepa_isa_avx512,
} orepa_isa;

enum { OREPA_ISA_COUNT = orepa_isa_avx512 + 1 };

// "portable" (on aarch64 "neon": the same code, of which the compiler makes NEON), "avx2", "avx512".
const char *orepa_isa_name(orepa_isa isa);

// Finds the set of this name; false if this architecture has none: on x86-64 there is no "neon", elsewhere neither "avx2"
// nor "avx512". "portable" names the first everywhere.
bool orepa_isa_named(const char *name, orepa_isa *isa);

// Whether this processor and operating system have all features that the set is compiled for.
bool orepa_isa_is_here(orepa_isa isa);

// The best set that this processor and operating system have.
orepa_isa orepa_isa_best(void);

#endif
