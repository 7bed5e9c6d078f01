#include "measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

spread spread_of(double *times, int32_t count)
{
    qsort(times, (size_t)count, sizeof *times, compare);
    return (spread){.least = times[0], .p10 = times[count / 10], .median = times[count / 2]};
}

double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

float *huge_floats(size_t count)
{
    const size_t page = 2 << 20, bytes = (count * sizeof(float) + page - 1) / page * page;
    float *memory = aligned_alloc(page, bytes);
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < count; i++) memory[i] = random_float();
    return memory;
}

// A stride that keeps parts aligned.
static size_t part_floats(size_t count) { return (count + 15) / 16 * 16; }

rotation make_rotation(size_t bytes, size_t largest)
{
    const size_t least = 2 * part_floats(largest), count = bytes / sizeof(float);
    const size_t floats = count > least ? count : least;
    return (rotation){.memory = huge_floats(floats), .count = floats};
}

float *next_part(rotation *from, size_t count)
{
    if (from->next + count > from->count) from->next = 0;
    float *part = from->memory + from->next;
    from->next += part_floats(count);
    return part;
}

cold_memory make_cold_memory(size_t weight_bytes, size_t packed_floats, size_t map_floats)
{
    // What L2 does not hold, but the cache beyond does: what the layers between two runs of a layer leave behind.
    const int32_t l2 = orepa_caches_here().l2;
    const size_t map_bytes = 4 * ((size_t)(l2 > 0 ? l2 : 1024) << 10);
    return (cold_memory){
        .weights = make_rotation(weight_bytes, packed_floats),
        .inputs = make_rotation(map_bytes, map_floats),
        .outputs = make_rotation(map_bytes, map_floats),
    };
}

void free_cold_memory(cold_memory *memory)
{
    free(memory->weights.memory), free(memory->inputs.memory), free(memory->outputs.memory);
}

static struct {
    const orepa_convolution_plan *plan;
    const orepa_convolution_buffers *buffers;
    orepa_convolution_worker *workers;
    int32_t threads;
    _Atomic uint64_t left;   // the unclaimed items' begin << 32 | end
    atomic_int call, done;
} team;

static void claim(int32_t worker)
{
    uint64_t left = atomic_load(&team.left);
    while (left >> 32 != (left & UINT32_MAX)) {
        const uint64_t rest = worker == 0 ? left + (UINT64_C(1) << 32) : left - 1;
        if (!atomic_compare_exchange_weak(&team.left, &left, rest)) continue;
        const int64_t item = (int64_t)(worker == 0 ? left >> 32 : rest & UINT32_MAX);
        orepa_convolution_run(team.plan, team.buffers, &team.workers[worker], item, item + 1);
        left = atomic_load(&team.left);
    }
}

static void *work(void *argument)
{
    const int32_t worker = (int32_t)(intptr_t)argument;
    for (int call = 1;; call++) {
        while (atomic_load(&team.call) != call) continue;
        claim(worker);
        atomic_fetch_add(&team.done, 1);
    }
    return NULL;
}

void start_team(int32_t threads)
{
    team.threads = threads;
    team.workers = calloc((size_t)threads, sizeof *team.workers);
    for (int32_t i = 1; i < threads; i++) {
        team.workers[i].descends = 1;
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(intptr_t)i) == 0) continue;
        fprintf(stderr, "no thread\n");
        exit(71);
    }
}

void give_scratch(size_t floats)
{
    for (int32_t i = 0; i < team.threads; i++) {
        free(team.workers[i].scratch);
        team.workers[i].scratch = huge_floats(floats > 0 ? floats : 1);
    }
}

double run_cold(const orepa_convolution_plan *plan, cold_memory *memory)
{
    static uint64_t serial;
    const orepa_convolution *shape = &plan->shape;
    const size_t images = (size_t)shape->images;
    const orepa_convolution_buffers buffers = {
        .packed = next_part(&memory->weights, plan->packed_floats),
        .input = next_part(&memory->inputs, (size_t)shape->input.image * images),
        .residual =
            shape->has_residual ? next_part(&memory->inputs, (size_t)shape->residual.image * images) : NULL,
        .output = next_part(&memory->outputs, (size_t)shape->output.image * images),
        .serial = ++serial,
    };
    double (*const clock)(void) = team.threads == 1 ? seconds : now;
    const double start = clock();
    team.plan = plan;
    team.buffers = &buffers;
    atomic_store(&team.done, 0);
    atomic_store(&team.left, (uint64_t)plan->items);
    atomic_fetch_add(&team.call, 1);
    claim(0);
    while (atomic_load(&team.done) != team.threads - 1) continue;
    return clock() - start;
}
