// What an algorithm for convolutions provides.
#ifndef OREPA_CONVOLUTION_ALGORITHM_H
#define OREPA_CONVOLUTION_ALGORITHM_H

#include "numbers.h"
#include "orepa_convolution.h"

// See the public functions of the same names. Planning has two stages. `choose` finds plan->shape, which is within the
// limits, plan->isa and plan->tuning filled in, tiles where the caller chose them, and the rest zero; what it fills in,
// how weights are packed among it, follows from neither images nor threads nor tuning. `schedule` then cuts the work for
// those; it may find what it filled in for others.
typedef struct {
    const char *name;
    bool (*choose)(orepa_convolution_plan *plan);
    bool (*schedule)(orepa_convolution_plan *plan);
    void (*pack)(
        const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
        int64_t begin, int64_t end, const orepa_stop *stop);
    void (*run)(
        const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
        orepa_convolution_worker *worker, int64_t begin, int64_t end);
    int64_t (*multiply_adds)(const orepa_convolution_plan *plan);
    void (*write_tiles)(const orepa_convolution_plan *plan, char *text, size_t size);
} orepa_algorithm_functions;

extern const orepa_algorithm_functions orepa_direct_algorithm, orepa_winograd_algorithm,
    orepa_stem_algorithm, orepa_grouped_algorithm;

#endif
