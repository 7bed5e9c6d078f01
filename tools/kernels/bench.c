// Speed of every kernel in kernels.inc, and of each convolution of RepVGG-A0, ResNet-18 and ResNet-50 on one
// thread, beside the peak of this moment: `bench [FILTER [ISA]]`. FILTER: part of a kernel's name, a shape's name
// or an algorithm's name.
// "hot": one layer again and again, its weights in cache as far as they fit. "stream": the packed weights of
// 96 MB of such layers in turns, as in a network, in huge pages.
// Percentages are of the direct convolution's multiply-adds, so a fast algorithm may pass 100.
#include <sys/mman.h>

#include "kernels.h"
#include "single_kernels.h"
#include "support.h"

typedef struct {
    const char *network;
    int32_t inputs, outputs, size, kernel, stride, groups;
} layer;

static const layer layers[] = {
    {"RepVGG-A0 stem", 3, 48, 224, 3, 2, 1},
    {"RepVGG-A1 stem", 3, 64, 224, 3, 2, 1},
    {"RepVGG-A0 s1", 48, 48, 112, 3, 2, 1},
    {"RepVGG-A0 s1", 48, 48, 56, 3, 1, 1},
    {"RepVGG-A0 s2", 48, 96, 56, 3, 2, 1},
    {"RepVGG-A0 s2", 96, 96, 28, 3, 1, 1},
    {"RepVGG-A0 s3", 96, 192, 28, 3, 2, 1},
    {"RepVGG-A0 s3", 192, 192, 14, 3, 1, 1},
    {"RepVGG-A0 s4", 192, 1280, 14, 3, 2, 1},
    {"ResNet stem", 3, 64, 224, 7, 2, 1},
    {"ResNet-18 s1", 64, 64, 56, 3, 1, 1},
    {"ResNet-18 s2", 64, 128, 56, 3, 2, 1},
    {"ResNet-18 s2", 64, 128, 56, 1, 2, 1},
    {"ResNet-18 s2", 128, 128, 28, 3, 1, 1},
    {"ResNet-18 s3", 128, 256, 28, 3, 2, 1},
    {"ResNet-18 s3", 128, 256, 28, 1, 2, 1},
    {"ResNet-18 s3", 256, 256, 14, 3, 1, 1},
    {"ResNet-18 s4", 256, 512, 14, 3, 2, 1},
    {"ResNet-18 s4", 256, 512, 14, 1, 2, 1},
    {"ResNet-18 s4", 512, 512, 7, 3, 1, 1},
    {"ResNet-50 s1", 64, 64, 56, 1, 1, 1},
    {"ResNet-50 s1", 64, 256, 56, 1, 1, 1},
    {"ResNet-50 s1", 256, 64, 56, 1, 1, 1},
    {"ResNet-50 s2", 256, 128, 56, 1, 1, 1},
    {"ResNet-50 s2", 128, 128, 56, 3, 2, 1},
    {"ResNet-50 s2", 256, 512, 56, 1, 2, 1},
    {"ResNet-50 s2", 128, 512, 28, 1, 1, 1},
    {"ResNet-50 s2", 512, 128, 28, 1, 1, 1},
    {"ResNet-50 s3", 512, 256, 28, 1, 1, 1},
    {"ResNet-50 s3", 256, 256, 28, 3, 2, 1},
    {"ResNet-50 s3", 512, 1024, 28, 1, 2, 1},
    {"ResNet-50 s3", 256, 1024, 14, 1, 1, 1},
    {"ResNet-50 s3", 1024, 256, 14, 1, 1, 1},
    {"ResNet-50 s4", 1024, 512, 14, 1, 1, 1},
    {"ResNet-50 s4", 512, 512, 14, 3, 2, 1},
    {"ResNet-50 s4", 1024, 2048, 14, 1, 2, 1},
    {"ResNet-50 s4", 512, 2048, 7, 1, 1, 1},
    {"ResNet-50 s4", 2048, 512, 7, 1, 1, 1},
    {"ResNeXt-50 s1", 128, 128, 56, 3, 1, 32},
    {"ResNeXt-50 s2", 256, 256, 28, 3, 1, 32},
    {"ResNeXt-50 s3", 512, 512, 14, 3, 1, 32},
    {"ResNeXt-50 s4", 1024, 1024, 7, 3, 1, 32},
    {"linear", 1280, 1000, 1, 1, 1, 1},
};

// Multiply-adds in registers, times two.
static double peak_gflops(orepa_isa isa)
{
    const int64_t rounds = isa == orepa_isa_portable ? 1000 : 100000;
    volatile float sink;
    const double start = seconds();
    sink = orepa_machine_multiply(isa, 0.5f, rounds);
    const double taken = seconds() - start;
    (void)sink;
    return (double)rounds * OREPA_MACHINE_VECTORS * 16 * 2 / taken / 1e9;
}

static float *huge_floats(size_t count)
{
    const size_t page = 2 << 20, bytes = (count * sizeof(float) + page - 1) / page * page;
    float *memory = aligned_alloc(page, bytes);
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

// The fastest of many runs through all copies of the packed weights, for one of them; and the peak.
static double least_seconds(runnable *job, int32_t copies, double *peak)
{
    double best = 1e9;
    const double until = seconds() + 0.2;
    for (int round = 0; round < 8 || seconds() < until; round++) {
        const double start = seconds();
        for (int32_t i = 0; i < copies; i++) {
            job->buffers.packed = job->packed + job->plan.packed_floats * (size_t)i;
            run_all(job);
        }
        const double taken = (seconds() - start) / copies;
        if (taken < best) best = taken;
        if (round % 10 == 0) {
            const double now = peak_gflops(job->plan.isa);
            if (now > *peak) *peak = now;
        }
    }
    return best;
}

static void bench(const layer *l, orepa_algorithm algorithm, orepa_isa isa)
{
    const int32_t padding = l->kernel / 2;
    const int32_t out = (l->size + 2 * padding - l->kernel) / l->stride + 1;
    orepa_convolution shape = {
        .input = l->inputs < 16 ? orepa_map_planar(l->inputs, l->size, l->size, padding)
                                : orepa_map_blocked(l->inputs, l->size, l->size, padding),
        .output = orepa_map_blocked(l->outputs, out, out, 0),
        .images = 1, .kernel = l->kernel, .stride = l->stride, .padding = padding,
        .groups = l->groups, .relu = true,
    };
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(&shape, algorithm, isa, NULL, &plan)) return;
    const size_t in_count = (size_t)l->inputs * l->size * l->size;
    float *contiguous = random_floats(in_count), *input = floats((size_t)shape.input.image);
    orepa_map_read(&shape.input, contiguous, input, NULL);
    float *weights = random_floats(
        (size_t)l->outputs * (l->inputs / l->groups) * l->kernel * l->kernel);
    float *bias = random_floats((size_t)l->outputs);
    runnable job = make_runnable(&plan, weights, bias, input, NULL);
    double pack = 1e9;
    for (int round = 0; round < 5; round++) {
        const double start = seconds();
        orepa_convolution_pack(&plan, weights, bias, job.packed, 0, plan.pack_items, NULL);
        const double taken = seconds() - start;
        if (taken < pack) pack = taken;
    }

    const double flops =
        2.0 * l->inputs / l->groups * l->kernel * l->kernel * l->outputs * out * out;
    double peak = 0;
    const double hot = least_seconds(&job, 1, &peak);
    const int32_t copies = (int32_t)(24e6 / (double)plan.packed_floats) + 1;
    float *packed = job.packed;
    job.packed = huge_floats(plan.packed_floats * (size_t)copies);
    for (int32_t i = 0; i < copies; i++)
        memcpy(job.packed + plan.packed_floats * (size_t)i, packed, plan.packed_floats * sizeof(float));
    free(packed);
    const double stream = least_seconds(&job, copies, &peak);
    printf(
        "%-15s %4d->%-4d @%-3d %dx%d/%d %-9s hot %8.3f ms %6.1f GFLOP/s %5.1f %%  stream %8.3f ms %5.1f %%"
        "  packed %6.2f MB in %6.3f ms\n",
        l->network, l->inputs, l->outputs, out, l->kernel, l->kernel, l->stride,
        orepa_algorithm_name(algorithm), hot * 1e3, flops / hot / 1e9, flops / hot / 1e7 / peak,
        stream * 1e3, flops / stream / 1e7 / peak, (double)plan.packed_floats * 4e-6, pack * 1e3);
    fflush(stdout);
    free_runnable(&job);
    free(contiguous), free(input), free(weights), free(bias);
}

// Each direct kernel of the instruction set: its full tile over 64 input channels, data in the first cache.
static void bench_direct_kernels(orepa_isa isa, const char *filter)
{
    enum { CHANNELS = 64 };
    for (int32_t i = 0; i < orepa_direct_row_count; i++) {
        const orepa_direct_row *row = &orepa_direct_rows[i];
        if (row->isa != isa || !strstr(row->name, filter)) continue;
        const int64_t step = row->step ? row->step : 16;
        float *input = random_floats((size_t)(row->pixels * step * (CHANNELS / 16)));
        float *weights = random_floats((size_t)(CHANNELS * row->blocks * 16));
        float *output = floats((size_t)(row->pixels * row->blocks * 16));
        const orepa_direct_call call = {
            .input = input, .weights = weights, .output = output, .input_plane = row->pixels * step,
            .output_plane = row->pixels * 16, .step = step, .planes = CHANNELS / 16, .rows = 1, .run = 16,
            .last_segments = 1, .last_run = 16};
        double best = 1e9, peak = 0;
        for (int round = 0; round < 20; round++) {
            const double start = seconds();
            for (int n = 0; n < 200; n++) row->run(&call, row->pixels, 1);
            const double taken = (seconds() - start) / 200, now = peak_gflops(isa);
            if (taken < best) best = taken;
            if (now > peak) peak = now;
        }
        const double gflops = 2e-9 * CHANNELS * row->pixels * row->blocks * 16 / best;
        printf("%-26s %10.1f ns %7.1f GFLOP/s %5.1f %%\n", row->name, best * 1e9, gflops, 100 * gflops / peak);
        free(input), free(weights), free(output);
    }
}

int main(int count, char **arguments)
{
    const char *filter = count > 1 ? arguments[1] : "";
    orepa_isa isa = orepa_isa_best();
    if (count > 2 && (!orepa_isa_named(arguments[2], &isa) || isa > orepa_isa_best())) {
        fprintf(stderr, "no instruction set %s here\n", arguments[2]);
        return 2;
    }
    printf("%s\n", orepa_isa_name(isa));
    bench_direct_kernels(isa, filter);
    bench_single_kernels(isa, filter);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
            char text[100];
            snprintf(
                text, sizeof text, "%s %d->%d %dx%d/%d %s", layers[i].network, layers[i].inputs,
                layers[i].outputs, layers[i].kernel, layers[i].kernel, layers[i].stride,
                orepa_algorithm_name((orepa_algorithm)algorithm));
            if (strstr(text, filter)) bench(&layers[i], (orepa_algorithm)algorithm, isa);
        }
    return 0;
}
