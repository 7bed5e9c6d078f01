#include "architecture.h"
#include "test.h"

// Values that no processor has, at the limits and where nothing fits.
static const orepa_tuning extremes[] = {
    {1, false, 1, 1, 1, 1, false, 1},
    {1, true, 1, 1, 1, 1, true, 1},
    {OREPA_MOST_TUNING, true, OREPA_MOST_TUNING, OREPA_MOST_TUNING, OREPA_MOST_TUNING, OREPA_MOST_TUNING, true,
     OREPA_MOST_TUNING},
    {OREPA_MOST_TUNING, false, OREPA_MOST_TUNING, OREPA_MOST_TUNING, OREPA_MOST_TUNING, OREPA_MOST_TUNING, false,
     OREPA_MOST_TUNING},
    {3, false, 7, 5, 1000, 17, true, 333},
};

// Caches of processors without a row, and unknown ones.
static const orepa_caches odd_caches[] = {
    {0, 0}, {16, 256}, {32, 256}, {48, 2048}, {64, 512}, {128, 12288}, {INT32_MAX, INT32_MAX}};

enum {
    EXTREMES = sizeof extremes / sizeof *extremes,
    ODD_CACHES = sizeof odd_caches / sizeof *odd_caches,
};

// Every row of the table, every rule, every extreme, by a number below tuning_count().
static int32_t tuning_count(void) { return orepa_processor_count + EXTREMES + ODD_CACHES * OREPA_ISA_COUNT; }

static orepa_tuning tuning_at(int32_t index)
{
    if (index < orepa_processor_count) return orepa_processors[index].tuning;
    index -= orepa_processor_count;
    if (index < EXTREMES) return extremes[index];
    index -= EXTREMES;
    return orepa_tuning_by_rule((orepa_isa)(index % OREPA_ISA_COUNT), odd_caches[index / OREPA_ISA_COUNT]);
}

orepa_tuning random_tuning(void)
{
    if (random_int(0, 2)) return tuning_at(random_int(0, tuning_count() - 1));
    return (orepa_tuning){
        random_int(1, 300), random_int(0, 1), random_int(1, 3000), random_int(1, 200), random_int(1, 200),
        random_int(1, 200), random_int(0, 1), random_int(1, 50000)};
}

// A plan's results for all images, packed weights included, as the plan's processor cuts the work.
typedef struct {
    runnable job;
    size_t count;
} outcome;

static outcome outcome_of(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa, const orepa_tuning *tuning,
    const float *weights, const float *bias, const float *input)
{
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(shape, algorithm, isa, tuning, &plan))
        FAIL("%s on %s: not planned", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    outcome made = {make_runnable(&plan, weights, bias, input, NULL), (size_t)(shape->output.image * shape->images)};
    memset(made.job.buffers.output, 0, made.count * sizeof(float));
    run_all(&made.job);
    return made;
}

static void check_all_tunings(const orepa_convolution *shape, orepa_algorithm algorithm)
{
    const int32_t taps = shape->kernel * shape->kernel, inputs = shape->input.channels / shape->groups;
    float *weights = random_floats((size_t)(shape->output.channels * inputs * taps));
    float *bias = random_floats((size_t)shape->output.channels);
    const size_t pixels = (size_t)shape->input.channels * shape->input.height * shape->input.width;
    float *contiguous = random_floats(pixels * (size_t)shape->images);
    float *input = mapped(&shape->input, shape->images, contiguous);
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++) {
        if (!orepa_isa_is_here((orepa_isa)isa)) continue;
        outcome usual = outcome_of(shape, algorithm, (orepa_isa)isa, NULL, weights, bias, input);
        // Fused multiply-adds in software take long, and cut the work as the next set does.
        const bool is_slow = !OREPA_BASELINE_FMA && isa == (int)orepa_isa_portable && isa != (int)orepa_isa_best();
        for (int32_t i = 0; i < orepa_processor_count + EXTREMES; i += is_slow ? 4 : 1) {
            const orepa_tuning tuning = tuning_at(i);
            outcome tuned = outcome_of(shape, algorithm, (orepa_isa)isa, &tuning, weights, bias, input);
            const size_t packed = usual.job.plan.packed_floats;
            if (tuned.job.plan.packed_floats != packed
                || memcmp(tuned.job.packed, usual.job.packed, packed * sizeof(float)) != 0)
                FAIL("%s on %s: tuning %d packs other bytes", orepa_algorithm_name(algorithm),
                     orepa_isa_name((orepa_isa)isa), i);
            if (memcmp(tuned.job.buffers.output, usual.job.buffers.output, usual.count * sizeof(float)) != 0)
                FAIL("%s on %s: tuning %d has other bits", orepa_algorithm_name(algorithm),
                     orepa_isa_name((orepa_isa)isa), i);
            free_runnable(&tuned.job);
        }
        free_runnable(&usual.job);
    }
    free(weights), free(bias), free(contiguous), free(input);
}

// Shapes that rows and extremes cut in several ways: maps of many and of few tiles, for one thread and for more.
static void check_shapes(void)
{
    const int32_t winograd[][4] = {{20, 33, 1, 1}, {9, 9, 7, 2}, {7, 14, 3, 1}, {37, 26, 2, 3}};   // size, images, threads
    for (size_t i = 0; i < sizeof winograd / sizeof *winograd; i++)
        for (int32_t stride = 1; stride <= 2; stride++) {
            const int32_t *layer = winograd[i], height = layer[0], width = layer[1];
            const orepa_convolution shape = {
                .input = orepa_map_blocked(20, height * stride, width * stride, 1),
                .output = orepa_map_blocked(85, height, width, 1), .images = layer[2], .kernel = 3,
                .stride = stride, .padding = 1, .groups = 1, .relu = true, .threads = layer[3]};
            check_all_tunings(&shape, orepa_winograd);
        }
    const orepa_convolution direct = {
        .input = orepa_map_blocked(70, 13, 22, 1), .output = orepa_map_blocked(100, 13, 22, 0), .images = 2,
        .kernel = 3, .stride = 1, .padding = 1, .groups = 1, .relu = true};
    check_all_tunings(&direct, orepa_direct);
    const orepa_convolution pointwise = {
        .input = orepa_map_blocked(70, 14, 14, 1), .output = orepa_map_blocked(210, 7, 7, 1), .images = 2,
        .kernel = 1, .stride = 2, .groups = 1};
    check_all_tunings(&pointwise, orepa_direct);
    const orepa_convolution grouped = {
        .input = orepa_map_blocked(24, 40, 31, 1), .output = orepa_map_blocked(24, 40, 31, 0), .images = 2,
        .kernel = 3, .stride = 1, .padding = 1, .groups = 3};
    check_all_tunings(&grouped, orepa_grouped);
    const orepa_convolution stem = {
        .input = orepa_map_planar(3, 31, 40, 3), .output = orepa_map_blocked(50, 16, 20, 0), .images = 2,
        .kernel = 7, .stride = 2, .padding = 3, .groups = 1};
    check_all_tunings(&stem, orepa_stem);
}

static bool same(const orepa_tuning *a, const orepa_tuning *b)
{
    return a->stream_lines == b->stream_lines && a->stream_into_l1 == b->stream_into_l1
        && a->paced_lines == b->paced_lines && a->tiles_alone == b->tiles_alone
        && a->tiles_shared == b->tiles_shared && a->tiles_of_images == b->tiles_of_images
        && a->fills_blocks_with_images == b->fills_blocks_with_images && a->item_cycles == b->item_cycles;
}

// Rows are found by their own keys and by no others, and what is found is what plans take.
static void check_choice(void)
{
    for (int32_t i = 0; i < orepa_processor_count; i++) {
        const orepa_processor *row = &orepa_processors[i];
        if (!orepa_tuning_is_valid(&row->tuning)) FAIL("%s: values beyond the limits", row->name);
        if (orepa_processor_find(row->isa, row->caches) != row) FAIL("%s: another row is found", row->name);
        if (orepa_processor_find(row->isa, (orepa_caches){row->caches.l1_data + 1, row->caches.l2}))
            FAIL("%s: found for another L1", row->name);
        if (orepa_processor_find(orepa_isa_portable, row->caches)) FAIL("%s: found for another set", row->name);
    }
    for (int32_t i = 0; i < tuning_count(); i++) {
        const orepa_tuning tuning = tuning_at(i);
        if (!orepa_tuning_is_valid(&tuning)) FAIL("tuning %d is beyond the limits", i);
    }
    // Without a row: streamed weights go where there is room for them.
    const orepa_tuning small = orepa_tuning_by_rule(orepa_isa_portable, (orepa_caches){32, 512});
    const orepa_tuning large = orepa_tuning_by_rule(orepa_isa_portable, (orepa_caches){48, 256});
    const orepa_tuning unknown = orepa_tuning_by_rule(orepa_isa_portable, (orepa_caches){0, 0});
    if (small.stream_into_l1 || !large.stream_into_l1) FAIL("by rule weights go to the wrong cache");
    if (large.paced_lines != small.paced_lines / 2) FAIL("by rule half an L2 does not halve the distance");
    if (!same(&small, &unknown)) FAIL("unknown caches are not taken for common ones");

    const orepa_caches caches = orepa_caches_here(), again = orepa_caches_here();
    if (caches.l1_data != again.l1_data || caches.l2 != again.l2) FAIL("caches change");
    if (OREPA_X86_64 && (caches.l1_data < 8 || caches.l2 < caches.l1_data))
        FAIL("caches of %d and %d KB", caches.l1_data, caches.l2);
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++) {
        if (!orepa_isa_is_here((orepa_isa)isa)) continue;
        const orepa_processor *row = orepa_processor_find((orepa_isa)isa, caches);
        const orepa_tuning want = row ? row->tuning : orepa_tuning_by_rule((orepa_isa)isa, caches);
        const orepa_tuning here = orepa_tuning_here((orepa_isa)isa);
        const orepa_convolution shape = {
            .input = orepa_map_blocked(16, 1, 1, 0), .output = orepa_map_blocked(16, 1, 1, 0), .images = 1,
            .kernel = 1, .stride = 1, .groups = 1};
        orepa_convolution_plan plan;
        if (!orepa_convolution_prepare(&shape, orepa_direct, (orepa_isa)isa, NULL, &plan)) FAIL("not planned");
        if (!same(&here, &want) || !same(&plan.tuning, &want)) FAIL("plans do not take this machine's values");
        for (int32_t beyond = 0; beyond <= 1; beyond++) {
            orepa_tuning wrong = want;
            wrong.tiles_shared = beyond ? OREPA_MOST_TUNING + 1 : 0;
            if (orepa_convolution_prepare(&shape, orepa_direct, (orepa_isa)isa, &wrong, &plan))
                FAIL("planned with values beyond the limits");
        }
    }
}

void test_tuning(void)
{
    check_choice();
    check_shapes();
}
