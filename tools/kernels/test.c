// Checks every kernel against naive references: random shapes, tolerance from the sum's length, the same
// bits from every instruction set, NaN. `test [SEED [ROUNDS]]`; exit status 1 on the first difference.
#include <math.h>

#include "test.h"

// Convolution in double precision on contiguous tensors; the sum of absolute values beside the sum.
static void reference(
    const orepa_convolution *shape, const float *input, const float *weights, const float *bias,
    const float *residual, double *output, double *magnitude)
{
    const int32_t inputs = shape->input.channels / shape->groups, size = shape->kernel;
    const int32_t outputs = shape->output.channels / shape->groups;
    const int32_t height = shape->input.height, width = shape->input.width;
    int64_t at = 0;
    for (int32_t o = 0; o < shape->output.channels; o++)
        for (int32_t y = 0; y < shape->output.height; y++)
            for (int32_t x = 0; x < shape->output.width; x++, at++) {
                double sum = bias[o], absolute = fabs(bias[o]);
                for (int32_t c = 0; c < inputs; c++)
                    for (int32_t i = 0; i < size; i++)
                        for (int32_t j = 0; j < size; j++) {
                            const int32_t v = y * shape->stride + i - shape->padding;
                            const int32_t u = x * shape->stride + j - shape->padding;
                            if (v < 0 || v >= height || u < 0 || u >= width) continue;
                            const int64_t channel = o / outputs * inputs + c;
                            const double product = (double)input[(channel * height + v) * width + u]
                                * weights[(((int64_t)o * inputs + c) * size + i) * size + j];
                            sum += product;
                            absolute += fabs(product);
                        }
                if (residual) sum += residual[at], absolute += fabs(residual[at]);
                output[at] = shape->relu && sum < 0 ? 0 : sum;
                magnitude[at] = absolute;
            }
}

static void describe(char *text, size_t size, const orepa_convolution *shape, orepa_algorithm algorithm)
{
    snprintf(
        text, size, "%s %dx %d@%dx%d/%d -> %d@%dx%d kernel %d stride %d padding %d groups %d%s%s",
        orepa_algorithm_name(algorithm), shape->images, shape->input.channels, shape->input.height,
        shape->input.width, shape->input.block, shape->output.channels, shape->output.height,
        shape->output.width, shape->kernel, shape->stride, shape->padding, shape->groups,
        shape->has_residual ? " residual" : "", shape->relu ? " relu" : "");
}

static orepa_convolution random_shape(void)
{
    orepa_convolution shape = {.images = random_int(1, 3), .groups = 1, .threads = random_int(0, 4)};
    const int32_t kernels[] = {1, 1, 3, 3, 3, 3, 2, 5, 7};
    shape.kernel = kernels[random_int(0, 8)];
    shape.stride = random_int(0, 5) ? random_int(1, 2) : 3;
    shape.padding = random_int(0, shape.kernel / 2);
    shape.relu = random_int(0, 1);
    shape.has_residual = random_int(0, 1);
    const bool stem = random_int(0, 9) == 0;
    if (stem) shape.kernel = 7, shape.stride = 2, shape.padding = 3, shape.has_residual = false;
    int32_t inputs = random_int(0, 1) ? random_int(1, 70) : 16 * random_int(1, 4);
    int32_t outputs = random_int(0, 1) ? random_int(1, 100) : 16 * random_int(1, 8);
    const bool planar = stem || random_int(0, 4) == 0;
    if (planar) inputs = random_int(1, 4);
    if (random_int(0, 5) == 0 && !planar) {
        const int32_t width = random_int(0, 1) ? 16 : random_int(1, 12);
        shape.groups = random_int(2, 9);
        inputs = shape.groups * width * random_int(1, 2);
        outputs = shape.groups * width * random_int(1, 3);
        if (random_int(0, 1)) {
            inputs = outputs = shape.groups * (random_int(0, 1) ? 4 : 8);
            shape.kernel = 3, shape.stride = random_int(1, 2), shape.padding = random_int(0, 1);
        }
    }
    const int32_t least = shape.kernel - 2 * shape.padding < 1 ? 1 : shape.kernel - 2 * shape.padding;
    const int32_t height = least + random_int(0, random_int(0, 20));
    const int32_t width = least + random_int(0, random_int(0, 60));
    const int32_t border = shape.padding + random_int(0, 1);
    shape.input = planar ? orepa_map_planar(inputs, height, width, border)
                         : orepa_map_blocked(inputs, height, width, border);
    const int32_t out_height = (height + 2 * shape.padding - shape.kernel) / shape.stride + 1;
    const int32_t out_width = (width + 2 * shape.padding - shape.kernel) / shape.stride + 1;
    shape.output = orepa_map_blocked(outputs, out_height, out_width, random_int(0, 2));
    shape.residual = orepa_map_blocked(outputs, out_height, out_width, random_int(0, 1));
    return shape;
}

// How far a result may be from the double-precision sum, in units of epsilon times the sum of absolute
// products: one rounding each product and each of bias and residual; what a transform loses comes on top.
static double growth(orepa_algorithm algorithm, const orepa_convolution *shape)
{
    const double products =
        (double)shape->input.channels / shape->groups * shape->kernel * shape->kernel;
    if (algorithm == orepa_stem) return 40 * products;
    // The transforms lose digits where large terms cancel: a norm of the three matrices' product.
    if (algorithm == orepa_winograd) return 40 * (products / 9 + 12);
    return products + 2;
}

// Every item by itself, in random order, with scratch that remembers nothing: items are independent.
static void run_shuffled(runnable *job)
{
    for (int32_t phase = 0; phase < job->plan.phases; phase++) {
        const int64_t count = job->plan.items[phase];
        int64_t *order = malloc((size_t)count * sizeof *order);
        for (int64_t i = 0; i < count; i++) {
            const int64_t j = random_int(0, (int32_t)i);
            order[i] = order[j];
            order[j] = i;
        }
        for (int64_t i = 0; i < count; i++) {
            memset(job->worker, 0xff, job->plan.worker_floats * sizeof(float));
            orepa_convolution_run(
                &job->plan, &job->buffers, job->worker, phase, order[i], order[i] + 1);
        }
        free(order);
    }
}

static void check_convolution(const orepa_convolution *shape, orepa_algorithm algorithm)
{
    char text[200];
    describe(text, sizeof text, shape, algorithm);
    const orepa_map *in = &shape->input, *out = &shape->output;
    const size_t in_count = (size_t)in->channels * in->height * in->width;
    const size_t out_count = (size_t)out->channels * out->height * out->width;
    const size_t images = (size_t)shape->images;
    float *input = random_floats(in_count * images), *residual = random_floats(out_count * images);
    float *weights = random_floats(
        (size_t)out->channels * (in->channels / shape->groups) * shape->kernel * shape->kernel);
    float *bias = random_floats((size_t)out->channels);
    double *want = malloc(out_count * sizeof *want), *magnitude = malloc(out_count * sizeof *want);
    float *in_map = mapped(in, shape->images, input);
    float *residual_map = mapped(&shape->residual, shape->images, residual);
    float *first = NULL, *got = floats(out_count * images);

    for (int isa = 0; isa <= (int)orepa_isa_best(); isa++) {
        orepa_convolution_plan plan;
        if (!orepa_convolution_prepare(shape, algorithm, (orepa_isa)isa, &plan)) {
            if (isa) FAIL("%s: only some instruction sets", text);
            break;
        }
        runnable job = make_runnable(
            &plan, weights, bias, in_map, shape->has_residual ? residual_map : NULL);
        if (algorithm == orepa_winograd) check_winograd_packing(&plan, weights, bias, job.packed, text);
        run_shuffled(&job);
        for (size_t n = 0; n < images; n++) {
            const float *base = job.buffers.output + n * (size_t)out->image;
            check_border(out, base, text);
            orepa_map_write(out, base, got + n * out_count);
        }
        if (!first) {
            first = floats(out_count * images);
            memcpy(first, got, out_count * images * sizeof(float));
            for (size_t n = 0; n < images; n++) {
                reference(
                    shape, input + n * in_count, weights, bias,
                    shape->has_residual ? residual + n * out_count : NULL, want, magnitude);
                for (size_t i = 0; i < out_count; i++) {
                    const double error = fabs(got[n * out_count + i] - want[i]);
                    if (!(error <= growth(algorithm, shape) * 0x1p-24 * magnitude[i]))
                        FAIL("%s: element %zu is %g, not %g", text, i, got[n * out_count + i], want[i]);
                }
            }
        } else if (memcmp(first, got, out_count * images * sizeof(float)) != 0) {
            FAIL("%s: other bits on %s", text, orepa_isa_name((orepa_isa)isa));
        }
        free_runnable(&job);
    }
    free(input), free(residual), free(weights), free(bias), free(want), free(magnitude);
    free(in_map), free(residual_map), free(first), free(got);
}

// A NaN in one input pixel reaches the outputs that see it, and no others.
static void check_nan(orepa_algorithm algorithm, orepa_isa isa)
{
    orepa_convolution shape = {
        .input = orepa_map_blocked(20, 9, 9, 1),
        .output = orepa_map_blocked(20, 9, 9, 0),
        .images = 1, .kernel = 3, .stride = 1, .padding = 1, .groups = 1, .relu = true};
    float *input = random_floats(20 * 81), *weights = random_floats(20 * 20 * 9);
    float *bias = random_floats(20);
    input[3 * 81 + 4 * 9 + 4] = NAN;
    float *map = mapped(&shape.input, 1, input), *got = floats(20 * 81);
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(&shape, algorithm, isa, &plan)) FAIL("NaN shape refused");
    runnable job = make_runnable(&plan, weights, bias, map, NULL);
    run_all(&job);
    orepa_map_write(&shape.output, job.buffers.output, got);
    for (int32_t i = 0; i < 20 * 81; i++) {
        const int32_t y = i / 9 % 9, x = i % 9;
        const bool near = abs(y - 4) <= 1 && abs(x - 4) <= 1;
        if (near && !isnan(got[i])) FAIL("%s: NaN lost at %d, %d", orepa_algorithm_name(algorithm), y, x);
        if (!near && algorithm == orepa_direct && isnan(got[i])) FAIL("NaN spread to %d, %d", y, x);
    }
    free_runnable(&job);
    free(input), free(weights), free(bias), free(map), free(got);
}

int main(int count, char **arguments)
{
    random_state = count > 1 ? strtoull(arguments[1], NULL, 10) * 0x9e3779b97f4a7c15u + 1 : 1;
    const int rounds = count > 2 ? atoi(arguments[2]) : 300;
    for (int round = 0; round < rounds; round += 10) {
        test_direct_kernels();
        test_pooling();
    }
    for (int round = 0; round < rounds; round++) {
        const orepa_convolution shape = random_shape();
        for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++)
            check_convolution(&shape, (orepa_algorithm)algorithm);
    }
    for (int isa = 0; isa <= (int)orepa_isa_best(); isa++) {
        check_nan(orepa_direct, (orepa_isa)isa);
        check_nan(orepa_winograd, (orepa_isa)isa);
    }
    printf("ok: %d rounds, up to %s\n", rounds, orepa_isa_name(orepa_isa_best()));
    return 0;
}
