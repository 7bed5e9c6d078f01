// Speed of every kernel in kernels.inc, and of each convolution of published networks on one thread, beside the peak of
// this moment: `bench [FILTER [ISA]]`. FILTER: part of a kernel's name, or of a layer's with its algorithm.
//
// Layers meet memory as in a network: weights come from memory, feature maps from beyond L2. Single kernels' data are in
// cache. Of many runs the least, the 10th percentile and the median are printed; percentages
// are of the median, and of the direct convolution's multiply-adds, so a fast algorithm may pass 100.
#include "kernels.h"
#include "layers.h"
#include "measure.h"
#include "single_kernels.h"

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

// Runs for a while, each with memory of its own, and now and then the peak.
static spread times_of(const orepa_convolution_plan *plan, cold_memory *memory, double *peak)
{
    enum { LEAST_RUNS = 20, MOST_RUNS = 1000 };
    static double times[MOST_RUNS];
    const double until = seconds() + 0.3;
    int32_t runs = 0;
    for (; runs < MOST_RUNS && (runs < LEAST_RUNS || seconds() < until); runs++) {
        times[runs] = run_cold(plan, memory);
        if (runs % 10 != 0) continue;
        const double this_moment = peak_gflops(plan->isa);
        if (this_moment > *peak) *peak = this_moment;
    }
    return spread_of(times, runs);
}

static double pack_seconds(const layer *l, const orepa_convolution_plan *plan)
{
    float *weights = random_floats((size_t)l->outputs * (l->inputs / l->groups) * l->kernel * l->kernel);
    float *bias = random_floats((size_t)l->outputs), *packed = floats(plan->packed_floats);
    double times[5];
    for (int round = 0; round < 5; round++) {
        const double start = seconds();
        orepa_convolution_pack(plan, weights, bias, packed, 0, plan->pack_items, NULL);
        times[round] = seconds() - start;
    }
    free(weights), free(bias), free(packed);
    return spread_of(times, 5).median;
}

static void bench(const layer *l, orepa_algorithm algorithm, orepa_isa isa, const char *name)
{
    const orepa_convolution shape = layer_shape(l, 1, 1);
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(&shape, algorithm, isa, NULL, &plan)) return;
    const double out = layer_output_size(l);
    const double operations = 2.0 * l->inputs / l->groups * l->kernel * l->kernel * l->outputs * out * out;
    const int64_t map = shape.input.image > shape.output.image ? shape.input.image : shape.output.image;
    cold_memory memory = make_cold_memory(WEIGHT_BYTES, plan.packed_floats, (size_t)map);
    give_scratch(plan.worker_floats);
    double peak = 0;
    const spread times = times_of(&plan, &memory, &peak);
    printf(
        "%-44s min %8.3f p10 %8.3f median %8.3f ms %6.1f GFLOP/s %5.1f %%  packed %6.2f MB in %6.3f ms\n", name,
        times.least * 1e3, times.p10 * 1e3, times.median * 1e3, operations / times.median / 1e9,
        operations / times.median / 1e7 / peak, (double)plan.packed_floats * 4e-6, pack_seconds(l, &plan) * 1e3);
    fflush(stdout);
    free_cold_memory(&memory);
}

// Each direct kernel of the instruction set: its full tile over 64 input channels, data in the first cache.
static void bench_multiply_kernels(orepa_isa isa, const char *filter)
{
    enum { CHANNELS = 64, TURNS = 40, CALLS = 200 };
    for (int32_t i = 0; i < orepa_multiply_variant_count; i++) {
        const orepa_multiply_variant *kernel = &orepa_multiply_variants[i];
        if (kernel->isa != isa || !strstr(kernel->name, filter)) continue;
        const int64_t step = kernel->step ? kernel->step : 16;
        float *input = random_floats((size_t)(kernel->pixels * step * (CHANNELS / 16)));
        float *weights = random_floats((size_t)(CHANNELS * kernel->blocks * 16));
        float *output = floats((size_t)(kernel->pixels * kernel->blocks * 16));
        const orepa_multiply_call call = {
            .input = input, .weights = weights, .output = output, .input_plane = kernel->pixels * step,
            .output_plane = kernel->pixels * 16, .step = step, .planes = CHANNELS / 16, .rows = 1, .length = 16,
            .last_segments = 1, .last_length = 16};
        double times[TURNS], peak = 0;
        for (int turn = 0; turn < TURNS; turn++) {
            const double start = seconds();
            for (int n = 0; n < CALLS; n++) kernel->run(&call, kernel->pixels, 1);
            times[turn] = (seconds() - start) / CALLS;
            const double this_moment = peak_gflops(isa);
            if (this_moment > peak) peak = this_moment;
        }
        const spread all = spread_of(times, TURNS);
        const double gflops = 2e-9 * CHANNELS * kernel->pixels * kernel->blocks * 16 / all.median;
        printf(
            "%-26s min %8.1f p10 %8.1f median %8.1f ns %7.1f GFLOP/s %5.1f %%\n", kernel->name, all.least * 1e9,
            all.p10 * 1e9, all.median * 1e9, gflops, 100 * gflops / peak);
        free(input), free(weights), free(output);
    }
}

int main(int count, char **arguments)
{
    const char *filter = count > 1 ? arguments[1] : "";
    orepa_isa isa = orepa_isa_best();
    if (count > 2 && (!orepa_isa_named(arguments[2], &isa) || !orepa_isa_is_here(isa))) {
        fprintf(stderr, "no instruction set %s here\n", arguments[2]);
        return 2;
    }
    printf("%s\n", orepa_isa_name(isa));
    start_team(1);
    bench_multiply_kernels(isa, filter);
    bench_single_kernels(isa, filter);
    for (int32_t i = 0; i < layer_count; i++)
        for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
            char text[100];
            describe_layer(&layers[i], text, sizeof text);
            const size_t length = strlen(text);
            snprintf(
                text + length, sizeof text - length, " %s", orepa_algorithm_name((orepa_algorithm)algorithm));
            if (strstr(text, filter)) bench(&layers[i], (orepa_algorithm)algorithm, isa, text);
        }
    return 0;
}
