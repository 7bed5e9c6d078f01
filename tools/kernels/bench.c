// Speed of each convolution of RepVGG-A0, ResNet-18 and ResNet-50 on one thread, beside the peak of this
// moment: `bench [FILTER [ISA]]`. FILTER: part of a shape's name or an algorithm's name.
// "hot": one layer again and again, its weights in cache as far as they fit. "stream": the packed weights of
// 96 MB of such layers in turns, as in a network, in huge pages.
// Percentages are of the direct convolution's multiply-adds, so a fast algorithm may pass 100.
#include <sys/mman.h>

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

// The peak: independent sums in registers. 512-bit FMA on this kind of machine is as fast as two 256-bit.
__attribute__((target("avx2,fma"), noinline)) static double peak_seconds(int64_t rounds)
{
    typedef float v8 __attribute__((vector_size(32)));
    v8 sum[12], factor = {1}, term = {1};
    for (int i = 0; i < 12; i++) sum[i] = (v8){(float)i};
    __asm__ volatile("" : "+x"(factor), "+x"(term));
    const double start = seconds();
    for (int64_t round = 0; round < rounds; round++)
        for (int i = 0; i < 12; i++)
            __asm__("vfmadd231ps %1, %2, %0" : "+x"(sum[i]) : "x"(factor), "x"(term));
    const double end = seconds();
    for (int i = 0; i < 12; i++) __asm__ volatile("" : : "x"(sum[i]));
    return end - start;
}

static double peak_gflops(void)
{
    const int64_t rounds = 200000;
    return (double)rounds * 12 * 16 / peak_seconds(rounds) / 1e9;
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
            const double now = peak_gflops();
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
    if (!orepa_convolution_prepare(&shape, algorithm, isa, &plan)) return;
    const size_t in_count = (size_t)l->inputs * l->size * l->size;
    float *contiguous = random_floats(in_count), *input = floats((size_t)shape.input.image);
    orepa_map_read(&shape.input, contiguous, input);
    float *weights = random_floats(
        (size_t)l->outputs * (l->inputs / l->groups) * l->kernel * l->kernel);
    float *bias = random_floats((size_t)l->outputs);
    runnable job = make_runnable(&plan, weights, bias, input, NULL);
    double pack = 1e9;
    for (int round = 0; round < 5; round++) {
        const double start = seconds();
        orepa_convolution_pack(&plan, weights, bias, job.packed, 0, plan.pack_items);
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

int main(int count, char **arguments)
{
    const char *filter = count > 1 ? arguments[1] : "";
    orepa_isa isa = orepa_isa_best();
    if (count > 2 && (!orepa_isa_named(arguments[2], &isa) || isa > orepa_isa_best())) {
        fprintf(stderr, "no instruction set %s here\n", arguments[2]);
        return 2;
    }
    printf("%s\n", orepa_isa_name(isa));
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
