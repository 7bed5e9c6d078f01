// Deadlines and cancellation. What counts the layers is the loop over threads that the test brings, so that calls end
// at a known place whatever the machine.
#include "test.h"

#include <pthread.h>
#include <time.h>

typedef struct loop_state {
    int loops;
    // Cancels after this many.
    int cancel_after;
    orepa_cancellation *cancellation;
    // Sleeps in each.
    int milliseconds;
} loop_state;

static void sleep_milliseconds(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static void counted_for(void *context, size_t count, orepa_loop_body body, void *body_context)
{
    loop_state *state = context;
    state->loops++;
    if (state->cancellation && state->loops == state->cancel_after)
        orepa->cancellation_cancel(state->cancellation);
    if (state->milliseconds > 0)
        sleep_milliseconds(state->milliseconds);
    for (size_t i = 0; i < count; i++)
        body(body_context, i);
}

static orepa_model *counting_model(loop_state *state)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.threads = OREPA_THREADS_PARALLEL_FOR;
    options.thread_count = 2;
    options.parallel_for = counted_for;
    options.parallel_for_context = state;
    return load(&options);
}

static void test_places(void)
{
    loop_state state = {0, 0, NULL, 0};
    orepa_model *model = counting_model(&state);
    float *values = calloc(INPUT_COUNT, sizeof(float)), logits[CLASS_COUNT];
    state.loops = 0;
    CHECK_OK(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, NULL));
    int all = state.loops;
    CHECK(all >= 10, "expected a loop for each layer, found %d", all);

    // Cancelled in the middle, by whom ever.
    orepa_run_options options = OREPA_RUN_OPTIONS;
    CHECK_OK(orepa->cancellation_new(&state.cancellation));
    options.cancellation = state.cancellation;
    state.loops = 0;
    state.cancel_after = 5;
    CHECK_STATUS(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), OREPA_CANCELLED, "cancelled");
    CHECK(state.loops >= 5 && state.loops < all, "expected that it ends after the layer, found %d loops of %d", state.loops, all);
    // Once and for all.
    state.loops = 0;
    orepa_picture picture = orepa_picture_file(samples[0].path);
    orepa_answers *answers = NULL;
    CHECK_STATUS(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), OREPA_CANCELLED, "cancelled");
    CHECK_STATUS(orepa->run(model, &picture, 1, &options, &answers), OREPA_CANCELLED, "cancelled");
    CHECK(state.loops == 0, "expected that nothing runs, found %d loops", state.loops);
    orepa->cancellation_free(state.cancellation);

    // One that nobody cancels changes nothing.
    state.cancel_after = 0;
    CHECK_OK(orepa->cancellation_new(&state.cancellation));
    options.cancellation = state.cancellation;
    run_one(model, picture, logits);
    CHECK_OK(orepa->run(model, &picture, 1, &options, &answers));
    orepa_values found = OREPA_VALUES;
    CHECK_OK(orepa->answers_logits(answers, 0, &found));
    check_bits(found.values, samples[0].logits, CLASS_COUNT, "logits of a call that may be cancelled");
    orepa->answers_free(answers);
    orepa->cancellation_free(state.cancellation);
    state.cancellation = NULL;

    options.cancellation = NULL;
    options.timeout_nanoseconds = 1;
    state.loops = 0;
    CHECK_STATUS(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), OREPA_DEADLINE_EXCEEDED, "deadline");
    CHECK_STATUS(orepa->run(model, &picture, 1, &options, &answers), OREPA_DEADLINE_EXCEEDED, "deadline");
    CHECK(answers == NULL, "expected answers that are NULL");
    CHECK(state.loops == 0, "expected that nothing runs, found %d loops", state.loops);
    // The loops sleep for 20 ms each, so that the time passes in the middle.
    options.timeout_nanoseconds = is_slow ? 2000000000 : 100000000;
    state.milliseconds = is_slow ? 400 : 20;
    CHECK_STATUS(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), OREPA_DEADLINE_EXCEEDED, "deadline");
    CHECK(state.loops > 0 && state.loops < all, "expected that it ends in the middle, found %d loops of %d", state.loops, all);
    // Enough time changes nothing, the most that there is included.
    state.milliseconds = 0;
    options.timeout_nanoseconds = INT64_MAX;
    CHECK_OK(orepa->run(model, &picture, 1, &options, &answers));
    CHECK_OK(orepa->answers_logits(answers, 0, &found));
    check_bits(found.values, samples[0].logits, CLASS_COUNT, "logits of a call with a deadline");
    orepa->answers_free(answers);
    orepa->model_free(model);
    free(values);
}

static void *cancel_soon(void *cancellation)
{
    sleep_milliseconds(20);
    orepa->cancellation_cancel(cancellation);
    return NULL;
}

// From another thread, while the model's own threads work.
static void test_other_thread(void)
{
    orepa_model *model = load(NULL);
    orepa_run_options options = OREPA_RUN_OPTIONS;
    orepa_cancellation *cancellation = NULL;
    CHECK_OK(orepa->cancellation_new(&cancellation));
    options.cancellation = cancellation;
    const size_t count = is_slow ? 50 : 5000;
    float *values = calloc(count * INPUT_COUNT, sizeof(float));
    float *logits = calloc(count * CLASS_COUNT, sizeof(float));
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, cancellation);
    orepa_status status;
    // However fast the machine, some call is running or about to when it is cancelled.
    do {
        status = orepa->run_tensor(model, values, count * INPUT_COUNT, count, logits, count * CLASS_COUNT, &options);
    } while (status == OREPA_OK);
    CHECK_STATUS(status, OREPA_CANCELLED, "cancelled");
    pthread_join(thread, NULL);
    orepa->cancellation_free(cancellation);
    orepa->model_free(model);
    free(values);
    free(logits);
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Of pixels too that take long to bring into the form of the network: 20 ms late at most, five times as much on a machine
// that does other things.
static void test_large_pictures(void)
{
    if (is_slow)
        return;
    const size_t side = 13000;
    const size_t bytes[] = {3, 3, 4, 4, 1};
    unsigned char *pixels = malloc(side * side * 4);
    memset(pixels, 7, side * side * 4);
    orepa_model *model = load(NULL);
    orepa_run_options options = OREPA_RUN_OPTIONS;
    for (int32_t order = OREPA_ORDER_RGB; order <= OREPA_ORDER_GREY; order++)
        for (int milliseconds = 1; milliseconds <= 21; milliseconds += 20) {
            orepa_picture picture = OREPA_PICTURE;
            picture.kind = OREPA_PICTURE_PIXELS;
            picture.data = pixels;
            picture.data_size = side * side * bytes[order];
            picture.width = picture.height = side;
            picture.order = order;
            options.timeout_nanoseconds = milliseconds * 1000000;
            orepa_answers *answers = NULL;
            double begin = seconds();
            CHECK_STATUS(orepa->run(model, &picture, 1, &options, &answers), OREPA_DEADLINE_EXCEEDED, "deadline");
            double late = seconds() - begin - 1e-3 * milliseconds;
            CHECK(late < 0.1, "order %d, %d ms: %.0f ms late", (int)order, milliseconds, 1e3 * late);
        }
    orepa->model_free(model);
    free(pixels);
}

void test_limits(void)
{
    test_places();
    test_large_pictures();
    test_other_thread();
}
