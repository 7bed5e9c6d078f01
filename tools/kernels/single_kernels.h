// Every OREPA_SINGLE of kernels.inc, by itself: held against the loop equation of its contract, or timed. One
// whose operation has no function here does not compile.
#ifndef SINGLE_KERNELS_H
#define SINGLE_KERNELS_H

#include "orepa_isa.h"

// Each kernel that this processor runs, on random shapes; the same data for every instruction set.
void test_single_kernels(void);

// Each kernel of this instruction set whose name has `filter` in it, on a typical shape: nanoseconds of a
// call, and GB/s of what it reads and writes. Its data are in cache.
void bench_single_kernels(orepa_isa isa, const char *filter);

#endif
