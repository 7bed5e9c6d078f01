#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "architecture.h"
#include "assertion.h"
#include "test.h"

// Whatever is cut anew is as if planned for that: the same items, scratch and bits, from the same packed weights.
static void check_rescheduled(const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa)
{
    orepa_convolution one = *shape;
    one.images = one.threads = 1;
    orepa_convolution_plan planned, chosen, cut;
    if (!orepa_convolution_prepare(shape, algorithm, isa, NULL, &planned)
        || !orepa_convolution_prepare(&one, algorithm, isa, NULL, &chosen))
        FAIL("%s on %s: not planned", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    if (!orepa_convolution_reschedule(&chosen, shape->images, shape->threads, &cut))
        FAIL("%s on %s: not cut anew", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    if (cut.items != planned.items || cut.worker_floats != planned.worker_floats
        || cut.packed_floats != planned.packed_floats || cut.pack_items != planned.pack_items
        || cut.shape.images != shape->images || cut.shape.threads != shape->threads)
        FAIL("%s on %s: cut anew, but otherwise", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    if (!orepa_isa_is_here(isa)) return;

    const int32_t taps = shape->kernel * shape->kernel, inputs = shape->input.channels / shape->groups;
    float *weights = random_floats((size_t)(shape->output.channels * inputs * taps));
    float *bias = random_floats((size_t)shape->output.channels);
    float *contiguous = random_floats((size_t)(shape->input.channels * shape->input.height * shape->input.width)
                                      * (size_t)shape->images);
    float *input = mapped(&shape->input, shape->images, contiguous);
    const size_t count = (size_t)(shape->output.image * shape->images);
    runnable a = make_runnable(&planned, weights, bias, input, NULL);
    runnable b = make_runnable(&cut, weights, bias, input, NULL);
    memset(a.buffers.output, 0, count * sizeof(float)), memset(b.buffers.output, 0, count * sizeof(float));
    run_all(&a), run_all(&b);
    if (memcmp(a.packed, b.packed, planned.packed_floats * sizeof(float)) != 0)
        FAIL("%s on %s: cut anew, packs other bytes", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    if (memcmp(a.buffers.output, b.buffers.output, count * sizeof(float)) != 0)
        FAIL("%s on %s: cut anew, has other bits", orepa_algorithm_name(algorithm), orepa_isa_name(isa));
    free_runnable(&a), free_runnable(&b);
    free(weights), free(bias), free(contiguous), free(input);

    // What cannot be is refused, and leaves the plan alone.
    const orepa_convolution_plan before = cut;
    if (orepa_convolution_reschedule(&cut, 0, 1, &cut)
        || orepa_convolution_reschedule(&cut, OREPA_MOST_IMAGES + 1, 1, &cut)
        || orepa_convolution_reschedule(&cut, 1, -1, &cut) || memcmp(&before, &cut, sizeof cut) != 0)
        FAIL("%s: cut for no images, too many or negative threads", orepa_algorithm_name(algorithm));
}

static void check_stages(void)
{
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++) {
        if (isa != (int)orepa_isa_portable && !OREPA_X86_64) continue;
        for (int32_t stride = 1; stride <= 2; stride++) {
            const orepa_convolution winograd = {
                .input = orepa_map_blocked(18, 9 * stride, 23 * stride, 1), .output = orepa_map_blocked(40, 9, 23, 0),
                .images = 5, .kernel = 3, .stride = stride, .padding = 1, .groups = 1, .threads = 2};
            check_rescheduled(&winograd, orepa_winograd, (orepa_isa)isa);
            check_rescheduled(&winograd, orepa_direct, (orepa_isa)isa);
        }
        const orepa_convolution grouped = {
            .input = orepa_map_blocked(16, 30, 21, 1), .output = orepa_map_blocked(16, 30, 21, 0), .images = 3,
            .kernel = 3, .stride = 1, .padding = 1, .groups = 2, .threads = 4};
        check_rescheduled(&grouped, orepa_grouped, (orepa_isa)isa);
        const orepa_convolution stem = {
            .input = orepa_map_planar(3, 20, 30, 3), .output = orepa_map_blocked(20, 10, 15, 0), .images = 3,
            .kernel = 7, .stride = 2, .padding = 3, .groups = 1, .threads = 3};
        check_rescheduled(&stem, orepa_stem, (orepa_isa)isa);
    }
}

// Tiles of every size, in any number: blocks of them have all the geometries there can be.
static void check_tiles_of_the_caller(void)
{
    int32_t most = 0;
    for (int round = 0; round < 2000; round++) {
        orepa_winograd_split splits[2] = {{{0}}, {{0}}};
        int32_t sizes[2] = {0, 0};
        for (int dimension = 0; dimension < 2; dimension++)
            for (int32_t m = 1; m <= OREPA_WINOGRAD_LARGEST; m++) {
                splits[dimension].count[m] = random_int(m == 1, random_int(1, 40));
                sizes[dimension] += m * splits[dimension].count[m];
            }
        const orepa_convolution shape = {
            .input = orepa_map_blocked(3, sizes[0], sizes[1], 1), .output = orepa_map_blocked(3, sizes[0], sizes[1], 0),
            .images = random_int(1, 9), .kernel = 3, .stride = 1, .padding = 1, .groups = 1, .threads = random_int(0, 3)};
        const orepa_tuning tuning = random_tuning();
        orepa_convolution_plan plan;
        if (!orepa_convolution_prepare_winograd(&shape, &splits[0], &splits[1], orepa_isa_best(), &tuning, &plan))
            FAIL("tiles of the caller's are not planned");
        const int32_t count = plan.winograd.geometry_count;
        if (count < 1 || count > OREPA_WINOGRAD_MOST_GEOMETRIES) FAIL("%d geometries", count);
        if (count > most) most = count;
    }
    if (most < 7) FAIL("the caller's tiles make no more than %d geometries: the test tries too little", most);
}

#if OREPA_ASSERTS
// Whether the run ends the process. Its message goes nowhere.
static bool is_refused(const orepa_convolution_plan *plan, orepa_convolution_buffers buffers, int64_t end)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        orepa_convolution_worker worker = {.scratch = floats(plan->worker_floats)};
        orepa_convolution_run(plan, &buffers, &worker, 0, end);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) FAIL("no child process");
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void check_contracts(void)
{
    const orepa_convolution shape = {
        .input = orepa_map_blocked(16, 4, 4, 1), .output = orepa_map_blocked(16, 4, 4, 0), .images = 1, .kernel = 3,
        .stride = 1, .padding = 1, .groups = 1};
    for (int algorithm = orepa_direct; algorithm <= orepa_winograd; algorithm++) {
        orepa_convolution_plan plan;
        if (!orepa_convolution_prepare(&shape, (orepa_algorithm)algorithm, orepa_isa_best(), NULL, &plan))
            FAIL("not planned");
        float *input = random_floats((size_t)shape.input.image + 1), *packed = random_floats(plan.packed_floats);
        float *output = floats((size_t)shape.output.image + 1);
        const orepa_convolution_buffers good = {.packed = packed, .input = input, .output = output, .serial = 1};
        orepa_convolution_buffers unnumbered = good, unaligned = good;
        unnumbered.serial = 0;
        unaligned.output++;
        if (is_refused(&plan, good, plan.items)) FAIL("a good run is refused");
        if (!is_refused(&plan, good, plan.items + 1)) FAIL("an item too many is not refused");
        if (!is_refused(&plan, unnumbered, plan.items)) FAIL("a run without a number is not refused");
        if (!is_refused(&plan, unaligned, plan.items)) FAIL("an output that is not aligned is not refused");
        free(input), free(packed), free(output);
    }
}
#else
static void check_contracts(void) {}
#endif

void test_plans(void)
{
    check_stages();
    check_tiles_of_the_caller();
    check_contracts();
}
