// Counts what run_tensor and run_tensor_into allocate, which is nothing: allocations MODEL
#include <orepa.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

// Of glibc, beneath the functions that this program replaces for all libraries.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_long allocation_count;

void *malloc(size_t size)
{
    atomic_fetch_add(&allocation_count, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocation_count, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
    atomic_fetch_add(&allocation_count, 1);
    return __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&allocation_count, 1);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
    atomic_fetch_add(&allocation_count, 1);
    *pointer = __libc_memalign(alignment, size);
    return *pointer ? 0 : ENOMEM;
}

int main(int argc, char **argv)
{
    const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
    orepa_model *model = NULL;
    orepa_model_info info = OREPA_MODEL_INFO;
    if (argc != 2 || orepa->model_load(argv[1], NULL, &model) || orepa->model_describe(model, &info))
        return 2;
    long while_loading = atomic_load(&allocation_count);
    const size_t pictures = 5;
    const size_t input_count = pictures * info.input_channels * info.input_height * info.input_width;
    const size_t logit_count = pictures * info.class_count;
    float *input = calloc(input_count, sizeof(float));
    float *logits = calloc(logit_count, sizeof(float));
    orepa_run_options options = OREPA_RUN_OPTIONS;
    orepa_cancellation *cancellation = NULL;
    if (orepa->cancellation_new(&cancellation))
        return 2;
    options.cancellation = cancellation;
    options.timeout_nanoseconds = 60000000000;

    // Everything that a call can give.
    enum { MOST_STAGES = 16 };
    orepa_stage_output stages[MOST_STAGES];
    orepa_outputs outputs = OREPA_OUTPUTS;
    if (info.stage_count > MOST_STAGES)
        return 2;
    for (size_t i = 0; i < info.stage_count; i++) {
        orepa_stage stage = OREPA_STAGE;
        if (orepa->model_stage(model, i, &stage))
            return 2;
        stages[i] = (orepa_stage_output)OREPA_STAGE_OUTPUT;
        stages[i].name = stage.name;
        stages[i].count = pictures * stage.channels * stage.height * stage.width;
        stages[i].values = calloc(stages[i].count, sizeof(float));
    }
    outputs.logits = logits;
    outputs.logit_count = logit_count;
    outputs.feature_value_count = pictures * info.feature_count;
    outputs.features = calloc(outputs.feature_value_count, sizeof(float));
    outputs.stages = stages;
    outputs.stage_count = info.stage_count;

    long counts[2] = {0, 0};
    // In the first round contexts are made, and glibc makes room for what threads keep.
    for (int round = 0; round < 2; round++) {
        long before = atomic_load(&allocation_count);
        for (int i = 0; i < 20; i++)
            if (orepa->run_tensor_into(model, input, input_count, pictures, &outputs, i % 2 ? &options : NULL) ||
                orepa->run_tensor(model, input, input_count, pictures, logits, logit_count, i % 2 ? &options : NULL) ||
                orepa->run_tensor(model, input, input_count / pictures, 1, logits, info.class_count, NULL))
                return 2;
        counts[round] = atomic_load(&allocation_count) - before;
    }
    printf("allocations: %ld while loading, %ld in the first 60 calls, %ld in the next\n", while_loading, counts[0], counts[1]);
    for (size_t i = 0; i < info.stage_count; i++)
        free(stages[i].values);
    free(outputs.features);
    orepa->cancellation_free(cancellation);
    orepa->model_free(model);
    // That loading counts shows that the count works.
    return !(while_loading > 100 && counts[1] == 0);
}
