#include "convolution.h"

static const orepa_algorithm_row *const algorithms[] = {
    [orepa_direct] = &orepa_direct_algorithm,
    [orepa_winograd] = &orepa_winograd_algorithm,
    [orepa_stem] = &orepa_stem_algorithm,
    [orepa_grouped] = &orepa_grouped_algorithm,
};

const char *orepa_algorithm_name(orepa_algorithm algorithm) { return algorithms[algorithm]->name; }

bool orepa_convolution_prepare(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa,
    orepa_convolution_plan *plan)
{
    orepa_convolution_plan made = {.shape = *shape, .algorithm = algorithm, .isa = isa};
    if (!algorithms[algorithm]->prepare(&made)) return false;
    *plan = made;
    return true;
}

void orepa_convolution_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end)
{
    algorithms[plan->algorithm]->pack(plan, weights, bias, packed, begin, end);
}

void orepa_convolution_run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    algorithms[plan->algorithm]->run(plan, buffers, worker, begin, end);
}
