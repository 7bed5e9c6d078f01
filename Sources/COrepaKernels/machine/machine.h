// The contracts of the kernels that measure a processor.
#ifndef OREPA_MACHINE_KERNELS_H
#define OREPA_MACHINE_KERNELS_H

#include <stdint.h>

// The sum of rounds * OREPA_MACHINE_VECTORS * 16 products factor * factor, each added by a fused multiply-add in
// some chain of its lane's.
typedef float orepa_machine_multiply_kernel(float factor, int64_t rounds);

// The sum of memory[i] for i < count: lane l of chain c adds memory[64 n + 16 c + l] in the order of n; then the
// chains (0 + 1) + (2 + 3), then the lanes in order.
typedef float orepa_machine_read_kernel(const float *memory, int64_t count);

#endif
