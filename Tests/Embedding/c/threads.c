// Many threads on one model, and all ways to bring threads.
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREAD_COUNT 16

typedef struct job {
    const orepa_model *model;
    int number;
    int turns;
    // An input, and its logits.
    const float *values;
    const float *logits;
} job;

// Each thread asks in its own way, makes mistakes of its own and reads its own messages.
static void *work(void *argument)
{
    job *given = argument;
    float logits[CLASS_COUNT];
    for (int turn = 0; turn < given->turns; turn++) {
        const sample *chosen = &samples[(given->number + turn) % SAMPLE_COUNT];
        char path[64];
        orepa_model *missing = NULL;
        switch ((given->number + turn) % 4) {
        case 0:
            run_one(given->model, orepa_picture_file(chosen->path), logits);
            check_bits(logits, chosen->logits, CLASS_COUNT, "file on a thread");
            break;
        case 1:
            CHECK_OK(orepa->run_tensor(given->model, given->values, INPUT_COUNT, 1, logits, CLASS_COUNT, NULL));
            check_bits(logits, given->logits, CLASS_COUNT, "tensor on a thread");
            break;
        case 2:
            snprintf(path, sizeof path, "/nowhere/%d", given->number);
            CHECK_STATUS(orepa->model_load(path, NULL, &missing), OREPA_NOT_FOUND, path);
            CHECK_OK(orepa->model_trim(given->model));
            break;
        default: {
            orepa_picture pictures[3];
            orepa_answers *answers = NULL;
            for (int i = 0; i < 3; i++)
                pictures[i] = orepa_picture_file(chosen->path);
            CHECK_OK(orepa->run(given->model, pictures, 3, NULL, &answers));
            orepa_values found = OREPA_VALUES;
            CHECK_OK(orepa->answers_logits(answers, 2, &found));
            check_bits(found.values, chosen->logits, CLASS_COUNT, "batch on a thread");
            orepa->answers_free(answers);
        }
        }
    }
    return NULL;
}

static void run_threads(orepa_model *models[], int model_count, int thread_count)
{
    pthread_t threads[THREAD_COUNT];
    job jobs[THREAD_COUNT];
    size_t size;
    unsigned char *pixels = read_data("square.rgb", &size);
    float *values = normalised(pixels), logits[CLASS_COUNT];
    run_one(models[0], orepa_picture_pixels(pixels, size, SIDE, SIDE, 0, OREPA_ORDER_RGB), logits);
    for (int i = 0; i < thread_count; i++) {
        jobs[i] = (job){models[i % model_count], i, is_slow ? 1 : 40, values, logits};
        pthread_create(&threads[i], NULL, work, &jobs[i]);
    }
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    free(values);
    free(pixels);
}

// A loop that runs its turns on new threads, last one first.
typedef struct turn {
    orepa_loop_body body;
    void *context;
    size_t item;
} turn;

static atomic_int loop_count;
static atomic_size_t most_items;

static void *run_turn(void *argument)
{
    turn *given = argument;
    given->body(given->context, given->item);
    return NULL;
}

static void parallel_for(void *context, size_t count, orepa_loop_body body, void *body_context)
{
    CHECK(context == &loop_count, "expected the context that was given");
    atomic_fetch_add(&loop_count, 1);
    size_t most = atomic_load(&most_items);
    while (count > most && !atomic_compare_exchange_weak(&most_items, &most, count)) {
    }
    pthread_t threads[8];
    turn turns[8];
    for (size_t i = 0; i < count && i < 8; i++) {
        turns[i] = (turn){body, body_context, count - 1 - i};
        pthread_create(&threads[i], NULL, run_turn, &turns[i]);
    }
    for (size_t i = 0; i < count && i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void serial_for(void *context, size_t count, orepa_loop_body body, void *body_context)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        body(body_context, i);
}

static void test_parallel_for(void)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.threads = OREPA_THREADS_PARALLEL_FOR;
    options.parallel_for = parallel_for;
    options.parallel_for_context = &loop_count;
    options.thread_count = 3;
    int before = thread_count_of_process();
    orepa_model *model = load(&options);
    CHECK(thread_count_of_process() == before, "expected no threads beside the host's");
    float logits[CLASS_COUNT];
    for (size_t i = 0; i < sample_count; i++) {
        run_one(model, orepa_picture_file(samples[i].path), logits);
        check_bits(logits, samples[i].logits, CLASS_COUNT, "parallel-for");
    }
    CHECK(atomic_load(&loop_count) > 10, "expected many loops, found %d", atomic_load(&loop_count));
    CHECK(atomic_load(&most_items) == 3, "expected loops of at most 3 turns, found %zu", atomic_load(&most_items));
    orepa->model_free(model);

    options.parallel_for = serial_for;
    model = load(&options);
    run_one(model, orepa_picture_file(samples[3].path), logits);
    check_bits(logits, samples[3].logits, CLASS_COUNT, "a loop without threads");
    orepa->model_free(model);
}

static void test_pools(void)
{
    int before = thread_count_of_process();
    orepa_pool *pool = NULL;
    CHECK_OK(orepa->pool_new(3, &pool));
    CHECK(orepa->pool_thread_count(pool) == 3, "found %zu threads", orepa->pool_thread_count(pool));
    CHECK(thread_count_of_process() == before + 2, "expected two threads more, found %d", thread_count_of_process() - before);
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.threads = OREPA_THREADS_SHARED;
    options.pool = pool;
    orepa_model *models[2] = {load(&options), load(&options)};
    // The models keep it.
    orepa->pool_free(pool);
    CHECK(thread_count_of_process() == before + 2, "expected two threads more, found %d", thread_count_of_process() - before);
    orepa_model_info info = OREPA_MODEL_INFO;
    CHECK_OK(orepa->model_describe(models[0], &info));
    CHECK(info.thread_count == 3, "thread_count: found %zu", info.thread_count);
    run_threads(models, 2, is_slow ? 4 : THREAD_COUNT);
    orepa->model_free(models[0]);
    orepa->model_free(models[1]);
    CHECK(thread_count_of_process() == before, "expected that the threads have ended, found %d more", thread_count_of_process() - before);

    for (int32_t kind = OREPA_THREADS_OWN; kind <= OREPA_THREADS_CALLER; kind += 2) {
        options = (orepa_model_options)OREPA_MODEL_OPTIONS;
        options.threads = kind;
        options.thread_count = kind == OREPA_THREADS_OWN ? 4 : 0;
        int expected = kind == OREPA_THREADS_OWN ? 4 : 1;
        models[0] = load(&options);
        CHECK_OK(orepa->model_describe(models[0], &info));
        CHECK(info.thread_count == (size_t)expected, "thread_count: expected %d, found %zu", expected, info.thread_count);
        CHECK(thread_count_of_process() == before + expected - 1, "expected %d threads more, found %d", expected - 1,
            thread_count_of_process() - before);
        run_threads(models, 1, is_slow && kind == OREPA_THREADS_OWN ? 4 : THREAD_COUNT);
        orepa->model_free(models[0]);
        CHECK(thread_count_of_process() == before, "expected that the threads have ended");
    }
}

void test_threads(void)
{
    test_parallel_for();
    test_pools();
}
