// What the test and the benchmark share.
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "COrepaKernels.h"

// Memory aligned to 64 bytes, filled with a pattern that no kernel may depend on (a NaN). Its end is
// where the sanitizer's guard begins.
static inline float *floats(size_t count)
{
    const size_t bytes = count * sizeof(float);
    char *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    memset(memory, 0xff, (bytes + 63) / 64 * 64 + 64);
    return (float *)memory;
}

static uint64_t random_state = 1;

static inline uint32_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

// In [from, to].
static inline int32_t random_int(int32_t from, int32_t to)
{
    return from + (int32_t)(random_bits() % (uint32_t)(to - from + 1));
}

// In [-1, 1).
static inline float random_float(void) { return (float)(int32_t)random_bits() * 0x1p-31f; }

static inline float *random_floats(size_t count)
{
    float *values = floats(count);
    for (size_t i = 0; i < count; i++) values[i] = random_float();
    return values;
}

// Seconds of processor time of this thread: the machine is shared.
static inline double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Memory that one run of a convolution needs, for one image set.
typedef struct {
    orepa_convolution_plan plan;
    orepa_convolution_buffers buffers;
    float *packed;
    orepa_convolution_worker worker;
} runnable;

static inline void run_all(runnable *job)
{
    job->buffers.serial++;
    orepa_convolution_run(&job->plan, &job->buffers, &job->worker, 0, job->plan.items);
}

// Packs, and takes memory for scratch and output; the maps' memory is the caller's.
static inline runnable make_runnable(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, const float *input,
    const float *residual)
{
    runnable job = {.plan = *plan};
    job.packed = floats(plan->packed_floats);
    orepa_convolution_pack(plan, weights, bias, job.packed, 0, plan->pack_items, NULL);
    job.worker.scratch = floats(plan->worker_floats);
    job.buffers = (orepa_convolution_buffers){
        .packed = job.packed,
        .input = input,
        .residual = residual,
        .output = floats((size_t)(plan->shape.output.image * plan->shape.images)),
    };
    return job;
}

static inline void free_runnable(runnable *job)
{
    free(job->packed);
    free(job->worker.scratch);
    free(job->buffers.output);
}

#endif
