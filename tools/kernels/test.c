// Checks every kernel against naive references: random shapes, a tolerance from the sum's length and the
// transforms' norms, or exact; the same bits from every instruction set, for any batch and hint of threads; NaN.
// `test [SEED [ROUNDS]]`; exit status 1 on the first difference. Prints a checksum of each group's results,
// which is the same on every processor.
#include <math.h>

#include "single_kernels.h"
#include "test.h"

static uint64_t checksum = 0xcbf29ce484222325u;

void add_to_checksum(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        if (!isnan(values[i])) memcpy(&bits, &values[i], sizeof bits);
        checksum = (checksum ^ bits) * 0x100000001b3u;
    }
}

static void print_checksum(const char *group)
{
    printf("%-8s %016llx\n", group, (unsigned long long)checksum);
    checksum = 0xcbf29ce484222325u;
}

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
    if (shape.kernel == 1 && random_int(0, 1)) outputs = random_int(113, 200);   // enough to gather pixels for
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

// What the transforms of one dimension amplify at most: sum over the points of |A| times the sums of |B|'s and
// |G|'s rows, for the output of the largest tile where it is most. Rows as in winograd_kernel.h, pack_kernel.h
// and stem.c; the odd pixels of stride 2 count 1.
static double amplification(int points, const double *a, const double *b, const double *g)
{
    double sum = 0;
    for (int q = 0; q < points; q++) sum += a[q] * b[q] * g[q];
    return sum;
}

static double winograd_amplification(int32_t stride)
{
    if (stride == 2)
        return amplification(
            6, (double[]){0, 1, 1, 8, 1, 1}, (double[]){6, 4, 6, 2, 6, 1},
            (double[]){1 / 2., 1, 1 / 3., 1 / 2., 1, 1});
    return amplification(
        6, (double[]){0, 1, 1, 8, 8, 1}, (double[]){10, 10, 10, 6, 6, 10},
        (double[]){1 / 4., 1 / 2., 1 / 2., 7 / 24., 7 / 24., 1});
}

static double stem_amplification(void)
{
    return winograd_amplification(1)
        + amplification(
               7, (double[]){0, 1, 1, 8, 8, 1, 1 / 8.}, (double[]){15, 10, 14, 7, 7, 15, 10},
               (double[]){1 / 2., 4 / 3., 4 / 9., 15 / 36., 15 / 60., 1, 4 / 3.});
}

// How far a result may be from the double-precision sum: a rounding (2^-24) for each step on the way of a
// product, of the sum of absolute values of all terms. Steps: one for each term of the sum, those of bias and
// residual, and of the transforms. Inputs and weights are at most 1.
static double tolerance(orepa_algorithm algorithm, const orepa_convolution *shape, double magnitude)
{
    const int32_t taps = shape->kernel * shape->kernel;
    const double channels = (double)shape->input.channels / shape->groups;
    enum { TRANSFORM_STEPS = 12 };   // of a dimension, there and back, and of its weights
    if (algorithm == orepa_winograd) {
        const double once = winograd_amplification(shape->stride);
        return 0x1p-24 * (channels + 2 * TRANSFORM_STEPS + 2) * (channels * once * once + 2);
    }
    if (algorithm == orepa_stem) {
        const double terms = channels * shape->kernel;
        return 0x1p-24 * (2 * terms + TRANSFORM_STEPS + 1) * (terms * stem_amplification() + 1);
    }
    return 0x1p-24 * (channels * taps + 2) * magnitude;
}

// Random data on which every step of every algorithm is exact: small integers, weights multiples of what
// the transforms divide by. Then nothing hides a wrong factor: the result is the reference's.
static void make_exact(float *values, size_t count, float unit)
{
    for (size_t i = 0; i < count; i++) values[i] = unit * (float)random_int(-1, 1);
}

// Every item by itself, in random order, now and then by a worker who has done none of this run yet: items are
// independent. Nothing of an earlier run is left, so that whoever relies on it finds NaN.
static void run_shuffled(runnable *job)
{
    const int64_t count = job->plan.items;
    int64_t *order = malloc((size_t)count * sizeof *order);
    for (int64_t i = 0; i < count; i++) {
        const int64_t j = random_int(0, (int32_t)i);
        order[i] = order[j];
        order[j] = i;
    }
    job->buffers.serial++;
    for (int64_t i = 0; i < count; i++) {
        if (i == 0 || random_int(0, 2) == 0) {
            job->worker.serial = random_int(0, 1) ? 0 : job->buffers.serial - 1;
            job->worker.descends = random_int(0, 1);
            memset(job->worker.scratch, 0xff, job->plan.worker_floats * sizeof(float));
        }
        orepa_convolution_run(&job->plan, &job->buffers, &job->worker, order[i], order[i] + 1);
    }
    free(order);
}

// Each image by itself, with another hint of threads and tuned for another processor, gives the bits that it has in the batch (`want`), from
// the same packed weights.
static void check_single_images(
    const runnable *batch, const float *weights, const float *bias, const float *input,
    const float *residual, const float *want, const char *text)
{
    orepa_convolution shape = batch->plan.shape;
    const size_t count = (size_t)shape.output.channels * shape.output.height * shape.output.width;
    float *got = floats(count);
    const int32_t images = shape.images;
    shape.images = 1;
    for (int32_t n = 0; n < images; n++) {
        shape.threads = random_int(0, 9);
        orepa_convolution_plan plan;
        const orepa_tuning tuning = random_tuning();
        if (!orepa_convolution_prepare(&shape, batch->plan.algorithm, batch->plan.isa, &tuning, &plan))
            FAIL("%s: not for one image", text);
        runnable job = make_runnable(
            &plan, weights, bias, input + n * shape.input.image,
            residual ? residual + n * shape.residual.image : NULL);
        if (plan.packed_floats != batch->plan.packed_floats
            || memcmp(job.packed, batch->packed, plan.packed_floats * sizeof(float)) != 0)
            FAIL("%s: packed weights depend on the batch or the tuning", text);
        run_shuffled(&job);
        orepa_map_write(&shape.output, job.buffers.output, got, NULL);
        if (memcmp(got, want + (size_t)n * count, count * sizeof(float)) != 0)
            FAIL("%s: image %d alone has other bits", text, n);
        free_runnable(&job);
    }
    free(got);
}

static void check_convolution(const orepa_convolution *shape, orepa_algorithm algorithm, bool exact)
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
    if (exact) {
        make_exact(input, in_count * images, algorithm == orepa_stem ? 2 : 1);
        make_exact(residual, out_count * images, 1);
        make_exact(bias, (size_t)out->channels, 1);
        make_exact(
            weights,
            (size_t)out->channels * (in->channels / shape->groups) * shape->kernel * shape->kernel,
            algorithm == orepa_winograd ? 24 * 24 : algorithm == orepa_stem ? 360 : 1);
    }
    double *want = malloc(out_count * sizeof *want), *magnitude = malloc(out_count * sizeof *want);
    float *in_map = mapped(in, shape->images, input);
    float *residual_map = mapped(&shape->residual, shape->images, residual);
    float *first = NULL, *got = floats(out_count * images);

    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++) {
        if (!orepa_isa_is_here((orepa_isa)isa)) continue;
        orepa_convolution_plan plan;
        if (!orepa_convolution_prepare(shape, algorithm, (orepa_isa)isa, NULL, &plan)) {
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
            check_unused_lanes(out, base, text);
            orepa_map_write(out, base, got + n * out_count, NULL);
        }
        if (!first) {
            first = floats(out_count * images);
            memcpy(first, got, out_count * images * sizeof(float));
            add_to_checksum(first, out_count * images);
            for (size_t n = 0; n < images; n++) {
                reference(
                    shape, input + n * in_count, weights, bias,
                    shape->has_residual ? residual + n * out_count : NULL, want, magnitude);
                for (size_t i = 0; i < out_count; i++) {
                    const double error = fabs(got[n * out_count + i] - want[i]);
                    if (!(error <= (exact ? 0 : tolerance(algorithm, shape, magnitude[i]))))
                        FAIL("%s: element %zu is %g, not %g", text, i, got[n * out_count + i], want[i]);
                }
            }
        } else if (memcmp(first, got, out_count * images * sizeof(float)) != 0) {
            FAIL("%s: other bits on %s", text, orepa_isa_name((orepa_isa)isa));
        }
        check_single_images(
            &job, weights, bias, in_map, shape->has_residual ? residual_map : NULL, first, text);
        free_runnable(&job);
    }
    free(input), free(residual), free(weights), free(bias), free(want), free(magnitude);
    free(in_map), free(residual_map), free(first), free(got);
}

// A NaN in one input pixel reaches the outputs that see it; from a direct or grouped kernel no others.
static void check_nan(orepa_algorithm algorithm, orepa_isa isa, int32_t stride)
{
    const bool stem = algorithm == orepa_stem;
    const int32_t channels = stem ? 3 : 20, size = 19, middle = 8, kernel = stem ? 7 : 3;
    const int32_t out = (size - 1) / stride + 1, padding = kernel / 2;
    orepa_convolution shape = {
        .input = stem ? orepa_map_planar(channels, size, size, padding)
                      : orepa_map_blocked(channels, size, size, padding),
        .output = orepa_map_blocked(20, out, out, 0),
        .images = 1, .kernel = kernel, .stride = stride, .padding = padding,
        .groups = algorithm == orepa_grouped ? 5 : 1, .relu = true};
    const char *name = orepa_algorithm_name(algorithm);
    float *input = random_floats((size_t)(channels * size * size));
    float *weights = random_floats((size_t)(20 * channels / shape.groups * kernel * kernel));
    float *bias = random_floats(20);
    input[(size + middle) * size + middle] = NAN;   // channel 1
    float *map = mapped(&shape.input, 1, input), *got = floats((size_t)(20 * out * out));
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(&shape, algorithm, isa, NULL, &plan)) FAIL("%s: NaN shape refused", name);
    runnable job = make_runnable(&plan, weights, bias, map, NULL);
    run_all(&job);
    orepa_map_write(&shape.output, job.buffers.output, got, NULL);
    for (int32_t i = 0; i < 20 * out * out; i++) {
        const int32_t channel = i / (out * out), y = i / out % out, x = i % out;
        const bool sees = abs(y * stride - middle) <= padding && abs(x * stride - middle) <= padding
            && (algorithm != orepa_grouped || channel < 4);
        if (sees && !isnan(got[i])) FAIL("%s: NaN lost at %d, %d", name, y, x);
        if (!sees && (algorithm == orepa_direct || algorithm == orepa_grouped) && isnan(got[i]))
            FAIL("%s: NaN spread to %d, %d", name, y, x);
    }
    free_runnable(&job);
    free(input), free(weights), free(bias), free(map), free(got);
}

// A state for a part of the test, so that its data do not depend on how many kernels other parts tried.
static void seed(uint64_t base, int round, int part)
{
    random_state = (base * 1000003 + (uint64_t)round * 16 + (uint64_t)part + 1) * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < 8; i++) random_bits();
}

// Every size of tile in both dimensions, on exact data: random shapes reach some of them seldom.
static void check_every_tile(uint64_t base)
{
    for (int32_t stride = 1; stride <= 2; stride++)
        for (int32_t height = 1; height <= 11; height++)
            for (int32_t width = 1; width <= 11; width++) {
                const orepa_convolution shape = {
                    .input = orepa_map_blocked(5, stride * height, stride * width, 1),
                    .output = orepa_map_blocked(3, height, width, 0),
                    .residual = orepa_map_blocked(3, height, width, 0),
                    .images = 1, .kernel = 3, .stride = stride, .padding = 1, .groups = 1};
                seed(base, (stride * 16 + height) * 16 + width, 15);
                check_convolution(&shape, orepa_winograd, true);
            }
}

// Shapes at the edges of what the algorithms cut into, which random shapes reach seldom.
static void check_edges(uint64_t base)
{
    int part = 0;
    // Strips of 4 rows that overlap, and rows that are almost too short, down to those that are.
    for (int32_t height = 3; height <= 10; height++)
        for (int32_t width = 4; width <= 9; width++) {
            const orepa_convolution shape = {
                .input = orepa_map_planar(3, 2 * height, 2 * width, 3),
                .output = orepa_map_blocked(17, height, width, 0),
                .residual = orepa_map_blocked(17, height, width, 0),
                .images = 1, .kernel = 7, .stride = 2, .padding = 3, .groups = 1};
            seed(base, 1000 + part++, 15);
            check_convolution(&shape, orepa_stem, false);
        }
    // Maps of one pixel, and channels around a block.
    const int32_t channels[] = {1, 15, 16, 17};
    for (int i = 0; i < 4; i++)
        for (int o = 0; o < 4; o++)
            for (int32_t kernel = 1; kernel <= 3; kernel += 2)
                for (int planar = 0; planar <= 1; planar++)
                    for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
                        const int32_t padding = kernel / 2;
                        const orepa_convolution shape = {
                            .input = planar ? orepa_map_planar(channels[i], 1, 1, padding)
                                            : orepa_map_blocked(channels[i], 1, 1, padding),
                            .output = orepa_map_blocked(channels[o], 1, 1, 1),
                            .residual = orepa_map_blocked(channels[o], 1, 1, 0),
                            .images = 2, .kernel = kernel, .stride = 1, .padding = padding, .groups = 1,
                            .has_residual = o % 2 == 0, .relu = o % 2 == 1};
                        seed(base, 1000 + part++, 15);
                        check_convolution(&shape, (orepa_algorithm)algorithm, false);
                    }
    // Direct layers as large as those of networks: the last output blocks in fewer, wider tiles than there are items;
    // rows that are gathered for a stride or a border, and scattered.
    const int32_t layers[][5] = {   // channels, output channels, output size, kernel, stride
        {96, 48, 28, 3, 1}, {128, 48, 28, 3, 1}, {128, 80, 20, 3, 2}, {64, 80, 28, 1, 1}, {256, 176, 14, 1, 1},
        {128, 144, 14, 1, 2}, {144, 304, 7, 1, 2}, {144, 176, 9, 1, 3}, {336, 144, 7, 1, 1}, {64, 208, 28, 1, 2}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int32_t border = 0; border <= 1; border++) {
            const int32_t *layer = layers[i], size = layer[2], padding = layer[3] / 2;
            const orepa_convolution shape = {
                .input = orepa_map_blocked(layer[0], size * layer[4], size * layer[4], padding + border),
                .output = orepa_map_blocked(layer[1], size, size, border),
                .residual = orepa_map_blocked(layer[1], size, size, 0),
                .images = 1 + border, .kernel = layer[3], .stride = layer[4], .padding = padding, .groups = 1,
                .has_residual = i % 2 == 0, .relu = true};
            seed(base, 1000 + part++, 15);
            check_convolution(&shape, orepa_direct, false);
        }
    const orepa_convolution in_groups = {
        .input = orepa_map_blocked(256, 10, 14, 0), .output = orepa_map_blocked(288, 5, 7, 1),
        .residual = orepa_map_blocked(288, 5, 7, 0), .images = 2, .kernel = 1, .stride = 2, .groups = 2,
        .has_residual = true};
    seed(base, 1000 + part++, 15);
    check_convolution(&in_groups, orepa_direct, false);
    // More input channels than are packed at once.
    for (int32_t stride = 1; stride <= 2; stride++) {
        const orepa_convolution shape = {
            .input = orepa_map_blocked(1030, 4, 4, 1), .output = orepa_map_blocked(17, 4 / stride, 4 / stride, 0),
            .images = 1, .kernel = 3, .stride = stride, .padding = 1, .groups = 1};
        seed(base, 1000 + part++, 15);
        check_convolution(&shape, orepa_winograd, false);
    }
    // Grouped rows longer than an item, and more rows than one takes.
    const int32_t sizes[][2] = {{3, 600}, {45, 30}};
    for (int i = 0; i < 2; i++)
        for (int32_t width = 4; width <= 8; width += 4) {
            const orepa_convolution shape = {
                .input = orepa_map_blocked(3 * width, sizes[i][0], sizes[i][1], 1),
                .output = orepa_map_blocked(3 * width, sizes[i][0], sizes[i][1], 0),
                .residual = orepa_map_blocked(3 * width, sizes[i][0], sizes[i][1], 0),
                .images = 1, .kernel = 3, .stride = 1, .padding = 1, .groups = 3};
            seed(base, 1000 + part++, 15);
            check_convolution(&shape, orepa_grouped, false);
        }
}

int main(int count, char **arguments)
{
    const uint64_t base = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    const int rounds = count > 2 ? atoi(arguments[2]) : 300;
    for (int round = 0; round < rounds; round += 10) {
        seed(base, round, 0);
        test_multiply_kernels();
        seed(base, round, 1);
        test_pooling();
        seed(base, round, 14);
        test_single_kernels();
    }
    test_report();
    seed(base, 0, 12);
    test_tuning();
    seed(base, 0, 11);
    test_plans();
    print_checksum("pooling");
    seed(base, 0, 13);
    test_limits(rounds);
    test_large_pooling();
    for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
        for (int round = 0; round < rounds; round++) {
            seed(base, round, 2);
            const orepa_convolution shape = random_shape();
            seed(base, round, 3 + algorithm);
            check_convolution(&shape, (orepa_algorithm)algorithm, round % 4 == 0);
        }
        print_checksum(orepa_algorithm_name((orepa_algorithm)algorithm));
    }
    check_every_tile(base);
    print_checksum("tiles");
    check_edges(base);
    print_checksum("edges");
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++)
        for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT && orepa_isa_is_here((orepa_isa)isa); algorithm++)
            for (int32_t stride = algorithm == orepa_stem ? 2 : 1; stride <= 2; stride++)
                check_nan((orepa_algorithm)algorithm, (orepa_isa)isa, stride);
    printf("ok: %d rounds, up to %s\n", rounds, orepa_isa_name(orepa_isa_best()));
    return 0;
}
