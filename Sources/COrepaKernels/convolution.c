#include "convolution.h"

#include "assertion.h"
#include "kernels.h"
#include "winograd/split.h"

static const orepa_algorithm_functions *const algorithms[] = {
    [orepa_direct] = &orepa_direct_algorithm,
    [orepa_winograd] = &orepa_winograd_algorithm,
    [orepa_stem] = &orepa_stem_algorithm,
    [orepa_grouped] = &orepa_grouped_algorithm,
};

const char *orepa_algorithm_name(orepa_algorithm algorithm) { return algorithms[algorithm]->name; }

static bool is_within(int32_t value, int32_t least, int32_t most) { return least <= value && value <= most; }

// Outputs of windows along one dimension; below 1 if there are none.
static int64_t outputs(const orepa_convolution *shape, int32_t size)
{
    const int64_t room = size + 2 * (int64_t)shape->padding - shape->kernel;
    return room < 0 ? 0 : room / shape->stride + 1;
}

static bool have_same_size(const orepa_map *a, const orepa_map *b)
{
    return a->channels == b->channels && a->height == b->height && a->width == b->width && a->block == b->block;
}

// Whether all of the shape's numbers are within the limits and fit one another. The algorithms rely on it: no product
// of them then overflows the type that it is computed in.
static bool is_valid(const orepa_convolution *shape)
{
    const orepa_map *in = &shape->input, *out = &shape->output;
    if (!orepa_map_is_valid(in) || !orepa_map_is_valid(out)) return false;
    if (!is_within(shape->images, 1, OREPA_MOST_IMAGES) || !is_within(shape->threads, 0, OREPA_MOST_THREADS)) return false;
    if (!is_within(shape->kernel, 1, OREPA_MOST_WINDOW) || !is_within(shape->stride, 1, OREPA_MOST_WINDOW)) return false;
    if (!is_within(shape->padding, 0, OREPA_MOST_WINDOW) || shape->groups < 1) return false;
    if (in->channels % shape->groups != 0 || out->channels % shape->groups != 0) return false;
    if ((int64_t)shape->kernel * shape->kernel > OREPA_MOST_PRODUCTS / (in->channels / shape->groups)) return false;
    if (out->height != outputs(shape, in->height) || out->width != outputs(shape, in->width)) return false;
    return !shape->has_residual || (orepa_map_is_valid(&shape->residual) && have_same_size(&shape->residual, out));
}

// Whether this processor's architecture has the instruction set.
static bool has_kernels(orepa_isa isa)
{
    for (int32_t i = 0; i < orepa_multiply_variant_count; i++)
        if (orepa_multiply_variants[i].isa == isa) return true;
    return false;
}

static bool prepare(
    orepa_convolution_plan made, const orepa_tuning *tuning, orepa_convolution_plan *plan)
{
    if (!is_valid(&made.shape) || !has_kernels(made.isa)) return false;
    made.tuning = tuning ? *tuning : orepa_tuning_here(made.isa);
    if (!orepa_tuning_is_valid(&made.tuning)) return false;
    const orepa_algorithm_functions *algorithm = algorithms[made.algorithm];
    if (!algorithm->choose(&made) || !algorithm->schedule(&made)) return false;
    *plan = made;
    return true;
}

bool orepa_convolution_prepare(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa, const orepa_tuning *tuning,
    orepa_convolution_plan *plan)
{
    return prepare(
        (orepa_convolution_plan){.shape = *shape, .algorithm = algorithm, .isa = isa}, tuning, plan);
}

bool orepa_convolution_prepare_winograd(
    const orepa_convolution *shape, const orepa_winograd_split *rows,
    const orepa_winograd_split *columns, orepa_isa isa, const orepa_tuning *tuning,
    orepa_convolution_plan *plan)
{
    if (!orepa_winograd_split_fills(rows, shape->output.height)) return false;
    if (!orepa_winograd_split_fills(columns, shape->output.width)) return false;
    return prepare(
        (orepa_convolution_plan){
            .shape = *shape, .algorithm = orepa_winograd, .isa = isa,
            .winograd = {.rows = *rows, .columns = *columns}},
        tuning, plan);
}

bool orepa_convolution_reschedule(
    const orepa_convolution_plan *plan, int32_t images, int32_t threads, orepa_convolution_plan *to)
{
    orepa_convolution_plan made = *plan;
    made.shape.images = images;
    made.shape.threads = threads;
    if (!is_valid(&made.shape) || !algorithms[made.algorithm]->schedule(&made)) return false;
    *to = made;
    return true;
}

void orepa_convolution_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop)
{
    OREPA_ASSERT(0 <= begin && begin <= end && end <= plan->pack_items);
    OREPA_ASSERT(OREPA_IS_ALIGNED(packed));
    algorithms[plan->algorithm]->pack(plan, weights, bias, packed, begin, end, stop);
}

void orepa_convolution_run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    OREPA_ASSERT(0 <= begin && begin <= end && end <= plan->items);
    OREPA_ASSERT(OREPA_IS_ALIGNED(buffers->packed) && OREPA_IS_ALIGNED(buffers->input));
    OREPA_ASSERT(OREPA_IS_ALIGNED(buffers->output) && OREPA_IS_ALIGNED(worker->scratch));
    OREPA_ASSERT(buffers->serial != 0 && (buffers->residual || !plan->shape.has_residual));
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
