// What an algorithm for convolutions provides.
#ifndef OREPA_CONVOLUTION_ALGORITHM_H
#define OREPA_CONVOLUTION_ALGORITHM_H

#include "orepa_convolution.h"

// See the public functions of the same names. `prepare` finds plan->shape and plan->isa filled in and the
// rest zero.
typedef struct {
    const char *name;
    bool (*prepare)(orepa_convolution_plan *plan);
    void (*pack)(
        const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
        int64_t begin, int64_t end);
    void (*run)(
        const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers, float *worker,
        int32_t phase, int64_t begin, int64_t end);
} orepa_algorithm_row;

extern const orepa_algorithm_row orepa_direct_algorithm;

static inline int32_t orepa_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t orepa_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t orepa_divide_up(int32_t a, int32_t b) { return (a + b - 1) / b; }

#endif
