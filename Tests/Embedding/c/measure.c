// Measures the library; tools/benchmarks/measure_embedding runs it and says what the numbers mean.
//   measure LIBRARY MODEL load
//   measure LIBRARY MODEL contexts COUNT
//   measure LIBRARY MODEL throughput THREADS SECONDS START
#include <orepa.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const orepa_api *orepa;
static orepa_model *model;
static size_t input_count, class_count;

static void fail(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, orepa ? orepa->last_error() : dlerror());
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Memory of the process that is in the machine's, in KiB.
static long resident(void)
{
    char line[256];
    long found = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &found) == 1)
            break;
    fclose(file);
    return found;
}

static void load_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const orepa_api *(*get_api)(uint32_t) = NULL;
    if (library)
        *(void **)&get_api = dlsym(library, "orepa_get_api");
    if (!get_api)
        fail(path);
    orepa = get_api(OREPA_API_VERSION);
}

static void load_model(const char *path, const orepa_model_options *options)
{
    orepa_model_info info = OREPA_MODEL_INFO;
    if (orepa->model_load(path, options, &model) || orepa->model_describe(model, &info))
        fail(path);
    input_count = info.input_channels * info.input_height * info.input_width;
    class_count = info.class_count;
}

static void run_once(const float *input, float *logits)
{
    if (orepa->run_tensor(model, input, input_count, 1, logits, class_count, NULL))
        fail("run_tensor");
}

static float *some_input(void)
{
    float *input = malloc(input_count * sizeof(float));
    for (size_t i = 0; i < input_count; i++)
        input[i] = (float)(i * 2654435761u % 1000) / 500.0f - 1.0f;
    return input;
}

static void measure_load(const char *library, const char *path)
{
    long memory = resident();
    double start = seconds(CLOCK_MONOTONIC);
    load_library(library);
    double loaded = seconds(CLOCK_MONOTONIC);
    long library_memory = resident();
    load_model(path, NULL);
    double made = seconds(CLOCK_MONOTONIC);
    float *input = some_input(), *logits = malloc(class_count * sizeof(float));
    double ready = seconds(CLOCK_MONOTONIC);
    run_once(input, logits);
    double answered = seconds(CLOCK_MONOTONIC);
    printf("library_seconds %.6f\nmodel_seconds %.6f\nfirst_call_seconds %.6f\n", loaded - start, made - loaded, answered - ready);
    printf("library_kib %ld\nmodel_kib %ld\n", library_memory - memory, resident() - library_memory);
}

// ---- Contexts: calls that are all inside at the same time ----

static pthread_barrier_t all_inside;
static _Thread_local bool has_waited;

static void waiting_for(void *context, size_t count, orepa_loop_body body, void *body_context)
{
    (void)context;
    if (!has_waited) {
        has_waited = true;
        pthread_barrier_wait(&all_inside);
    }
    for (size_t i = 0; i < count; i++)
        body(body_context, i);
}

static void serial_for(void *context, size_t count, orepa_loop_body body, void *body_context)
{
    // Until the model is made there is nobody to wait for.
    if (*(bool *)context)
        waiting_for(context, count, body, body_context);
    else
        for (size_t i = 0; i < count; i++)
            body(body_context, i);
}

static float *shared_input;

static void *call_once(void *unused)
{
    (void)unused;
    float *logits = malloc(class_count * sizeof(float));
    run_once(shared_input, logits);
    free(logits);
    return NULL;
}

static void measure_contexts(const char *library, const char *path, int count)
{
    bool waits = false;
    load_library(library);
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.threads = OREPA_THREADS_PARALLEL_FOR;
    options.thread_count = 2;
    options.parallel_for = serial_for;
    options.parallel_for_context = &waits;
    load_model(path, &options);
    shared_input = some_input();
    orepa_memory_requirement requirement = OREPA_MEMORY_REQUIREMENT;
    if (orepa->model_memory(model, 1, &requirement))
        fail("model_memory");
    waits = true;
    long memory[2];
    pthread_t *threads = malloc((size_t)count * sizeof(pthread_t));
    for (int round = 0; round < 2; round++) {
        int calls = round == 0 ? 1 : count;
        pthread_barrier_init(&all_inside, NULL, (unsigned)calls);
        for (int i = 0; i < calls; i++)
            pthread_create(&threads[i], NULL, call_once, NULL);
        for (int i = 0; i < calls; i++)
            pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&all_inside);
        memory[round] = resident();
    }
    printf("weights %zu\nrequirement %zu\nmeasured %ld\n", requirement.weights, requirement.per_context,
        (memory[1] - memory[0]) * 1024 / (count - 1));
    long before = resident();
    if (orepa->model_trim(model))
        fail("model_trim");
    printf("given_back %ld\n", (before - resident()) * 1024);
    free(threads);
}

// ---- Throughput ----

static double begin_time, end_time;

static void *call_until(void *result)
{
    float *logits = malloc(class_count * sizeof(float));
    float *input = some_input();
    run_once(input, logits);
    long count = 0;
    double now = seconds(CLOCK_REALTIME);
    if (now > begin_time) {
        fprintf(stderr, "measure: expected to be ready before the start, was %.3f s late\n", now - begin_time);
        exit(1);
    }
    struct timespec start = {(time_t)begin_time, (long)((begin_time - (double)(time_t)begin_time) * 1e9)};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &start, NULL);
    while (seconds(CLOCK_REALTIME) < end_time) {
        run_once(input, logits);
        count++;
    }
    *(long *)result = count;
    free(input);
    free(logits);
    return NULL;
}

static void measure_throughput(const char *library, const char *path, int count, double length, double start)
{
    load_library(library);
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.threads = OREPA_THREADS_CALLER;
    load_model(path, &options);
    begin_time = start;
    end_time = start + length;
    pthread_t *threads = malloc((size_t)count * sizeof(pthread_t));
    long *counts = calloc((size_t)count, sizeof(long)), total = 0;
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, call_until, &counts[i]);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        total += counts[i];
    }
    printf("pictures %ld\nmemory_kib %ld\n", total, resident());
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[3], "load") == 0)
        measure_load(argv[1], argv[2]);
    else if (argc == 5 && strcmp(argv[3], "contexts") == 0)
        measure_contexts(argv[1], argv[2], atoi(argv[4]));
    else if (argc == 7 && strcmp(argv[3], "throughput") == 0)
        measure_throughput(argv[1], argv[2], atoi(argv[4]), atof(argv[5]), atof(argv[6]));
    else
        return 64;
    return 0;
}
