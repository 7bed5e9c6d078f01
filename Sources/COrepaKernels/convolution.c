#include "convolution.h"

#include "winograd/split.h"

static const orepa_algorithm_row *const algorithms[] = {
    [orepa_direct] = &orepa_direct_algorithm,
    [orepa_winograd] = &orepa_winograd_algorithm,
    [orepa_stem] = &orepa_stem_algorithm,
    [orepa_grouped] = &orepa_grouped_algorithm,
};

const char *orepa_algorithm_name(orepa_algorithm algorithm) { return algorithms[algorithm]->name; }

static bool prepare(orepa_convolution_plan made, orepa_convolution_plan *plan)
{
    if (!algorithms[made.algorithm]->prepare(&made)) return false;
    *plan = made;
    return true;
}

bool orepa_convolution_prepare(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa,
    orepa_convolution_plan *plan)
{
    return prepare(
        (orepa_convolution_plan){.shape = *shape, .algorithm = algorithm, .isa = isa}, plan);
}

bool orepa_convolution_prepare_winograd(
    const orepa_convolution *shape, const orepa_winograd_split *rows,
    const orepa_winograd_split *columns, orepa_isa isa, orepa_convolution_plan *plan)
{
    if (!orepa_winograd_split_fills(rows, shape->output.height)) return false;
    if (!orepa_winograd_split_fills(columns, shape->output.width)) return false;
    return prepare(
        (orepa_convolution_plan){
            .shape = *shape, .algorithm = orepa_winograd, .isa = isa,
            .winograd = {.rows = *rows, .columns = *columns}},
        plan);
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

int64_t orepa_convolution_multiply_adds(const orepa_convolution_plan *plan)
{
    return algorithms[plan->algorithm]->multiply_adds(plan) * plan->shape.images;
}

void orepa_convolution_write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    algorithms[plan->algorithm]->write_tiles(plan, text, size);
}
