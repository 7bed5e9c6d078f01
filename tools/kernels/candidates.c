// Times every algorithm that can compute a layer, and every Winograd split that is worth a thought: what
// tools/benchmarks/check_algorithms.py asks. `candidates THREADS [ISA]` reads a layer from each line of standard input,
//
//   inputs height width block border  outputs height width border  kernel stride padding groups relu  residual
//
// (residual: -1, or the border of the map that is added) and answers with a line for each candidate:
//
//   algorithm TAB tiles TAB median milliseconds
//
// then an empty line. Candidates take turns. Each call takes its weights from another place in 128 MB or more, so
// that they come from memory, as they do in a network whose other layers have been through the caches; what the
// weights are does not matter to the time, so the memory holds random ones and nothing is packed.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "support.h"
#include "winograd/split.h"

enum { MOST_CANDIDATES = 64, TURNS = 15, FIRST_TURNS = 3, MOST_THREADS = 64 };
static const double turn_seconds = 2e-3;   // of a candidate's, at least
static const double hopeless = 1.5;        // times the fastest, after the first turns

// The linker puts these in place of the choice that plans make (--wrap): prepare then takes `forced`.
static orepa_winograd_split forced[2];
static bool is_forced;
void __real_orepa_winograd_choose_splits(
    int32_t stride, int32_t height, int32_t width, orepa_winograd_split *rows,
    orepa_winograd_split *columns);
void __wrap_orepa_winograd_choose_splits(
    int32_t stride, int32_t height, int32_t width, orepa_winograd_split *rows,
    orepa_winograd_split *columns);
void __wrap_orepa_winograd_choose_splits(
    int32_t stride, int32_t height, int32_t width, orepa_winograd_split *rows,
    orepa_winograd_split *columns)
{
    if (is_forced)
        *rows = forced[0], *columns = forced[1];
    else
        __real_orepa_winograd_choose_splits(stride, height, width, rows, columns);
}

// Threads that claim items one by one as a plan's do: the caller from the front, the others from the back. They spin
// between calls.
typedef struct {
    runnable *job;
    orepa_convolution_worker *workers;
    int32_t threads;
    _Atomic uint64_t left;   // the unclaimed items' begin << 32 | end
    atomic_int call, done;
} team;

static void claim(team *t, int32_t worker)
{
    uint64_t left = atomic_load(&t->left);
    while (left >> 32 != (left & UINT32_MAX)) {
        const uint64_t rest = worker == 0 ? left + (UINT64_C(1) << 32) : left - 1;
        if (!atomic_compare_exchange_weak(&t->left, &left, rest)) continue;
        const int64_t item = (int64_t)(worker == 0 ? left >> 32 : rest & UINT32_MAX);
        orepa_convolution_run(
            &t->job->plan, &t->job->buffers, &t->workers[worker], item, item + 1);
        left = atomic_load(&t->left);
    }
}

static team crew;

static void *work(void *argument)
{
    const int32_t worker = (int32_t)(intptr_t)argument;
    for (int call = 1;; call++) {
        while (atomic_load(&crew.call) != call) continue;
        claim(&crew, worker);
        atomic_fetch_add(&crew.done, 1);
    }
    return NULL;
}

static void run_together(runnable *job)
{
    crew.job = job;
    job->buffers.run++;
    atomic_store(&crew.left, (uint64_t)job->plan.items);
    atomic_store(&crew.done, 0);
    atomic_fetch_add(&crew.call, 1);
    claim(&crew, 0);
    while (atomic_load(&crew.done) != crew.threads - 1) continue;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *huge_floats(size_t count)
{
    const size_t page = 2 << 20, bytes = (count * sizeof(float) + page - 1) / page * page;
    float *memory = aligned_alloc(page, bytes);
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < count; i++) memory[i] = random_float();
    return memory;
}

// What calls take their weights from.
static struct {
    float *memory;
    size_t count;
} weights;

// Memory for two calls of the largest candidate at least.
static void need_weights(size_t packed_floats)
{
    size_t count = 32 << 20;
    while (count < 2 * packed_floats) count *= 2;
    if (count <= weights.count) return;
    free(weights.memory);
    weights.memory = huge_floats(count);
    weights.count = count;
}

typedef struct {
    orepa_convolution_plan plan;
    char tiles[80];
    size_t at;                 // where the next call's weights begin
    double times[TURNS];
    int32_t turns;
} candidate;

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const candidate *c)
{
    double sorted[TURNS];
    memcpy(sorted, c->times, sizeof sorted);
    qsort(sorted, (size_t)c->turns, sizeof *sorted, compare);
    return sorted[c->turns / 2];
}

static void add_candidate(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa, candidate *all, int32_t *count)
{
    candidate *c = &all[*count];
    *c = (candidate){0};
    if (!orepa_convolution_prepare(shape, algorithm, isa, NULL, &c->plan)) return;
    orepa_convolution_write_tiles(&c->plan, c->tiles, sizeof c->tiles);
    for (int32_t i = 0; i < *count; i++)
        if (all[i].plan.algorithm == algorithm && strcmp(all[i].tiles, c->tiles) == 0) return;
    ++*count;
}

// Tiles of `largest` outputs and one for the rest, or sizes that differ by one at most.
static orepa_winograd_split split_of(int32_t size, int32_t largest, bool even)
{
    orepa_winograd_split split = {{0}};
    const int32_t tiles = even ? (size + largest - 1) / largest : size / largest;
    const int32_t least = even ? size / tiles : largest;
    split.count[least] = tiles;
    for (int32_t left = size - tiles * least; left > 0;) {
        if (!even) {
            split.count[left]++;
            break;
        }
        split.count[least]--, split.count[least + 1]++, left--;
    }
    return split;
}

static int32_t find_candidates(const orepa_convolution *shape, orepa_isa isa, candidate *all)
{
    int32_t count = 0;
    is_forced = false;
    for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++)
        add_candidate(shape, (orepa_algorithm)algorithm, isa, all, &count);
    is_forced = true;
    for (int32_t v = 0; v < 6; v++)
        for (int32_t h = 0; h < 6; h++) {
            forced[0] = split_of(shape->output.height, 4 - v / 2, v % 2);
            forced[1] = split_of(shape->output.width, 4 - h / 2, h % 2);
            add_candidate(shape, orepa_winograd, isa, all, &count);
        }
    is_forced = false;
    return count;
}

static void take_turn(candidate *c, runnable *job)
{
    // A stride that keeps weights aligned, and no two calls' in the same lines.
    const size_t step = (c->plan.packed_floats + 15) / 16 * 16;
    job->plan = c->plan;
    int32_t calls = 0;
    double seconds = 0;
    for (const double start = now(); seconds < turn_seconds; seconds = now() - start, calls++) {
        if (c->at + c->plan.packed_floats > weights.count) c->at = 0;
        job->buffers.packed = weights.memory + c->at;
        c->at += step;
        run_together(job);
    }
    c->times[c->turns++] = seconds / calls;
}

static void time_layer(const orepa_convolution *shape, orepa_isa isa)
{
    static candidate all[MOST_CANDIDATES];
    const int32_t count = find_candidates(shape, isa, all);
    size_t worker = 0;
    for (int32_t i = 0; i < count; i++) {
        if (all[i].plan.worker_floats > worker) worker = all[i].plan.worker_floats;
        need_weights(all[i].plan.packed_floats);
    }
    for (int32_t i = 0; i < count; i++) all[i].at = (size_t)i * (weights.count / MOST_CANDIDATES) / 16 * 16;
    runnable job = {.buffers = {
        .input = huge_floats((size_t)shape->input.image),
        .residual = shape->has_residual ? huge_floats((size_t)shape->residual.image) : NULL,
        .output = huge_floats((size_t)shape->output.image),
    }};
    for (int32_t i = 0; i < crew.threads; i++)
        crew.workers[i] = (orepa_convolution_worker){.scratch = huge_floats(worker), .descends = i > 0};

    double least = 1e9;
    for (int32_t turn = 0; turn < TURNS; turn++) {
        for (int32_t i = 0; i < count; i++)
            if (turn < FIRST_TURNS || median(&all[i]) < hopeless * least)
                take_turn(&all[i], &job);
        least = 1e9;
        for (int32_t i = 0; i < count; i++)
            if (median(&all[i]) < least) least = median(&all[i]);
    }
    for (int32_t i = 0; i < count; i++)
        printf("%s\t%s\t%.6f\n", orepa_algorithm_name(all[i].plan.algorithm), all[i].tiles, median(&all[i]) * 1e3);
    printf("\n");
    fflush(stdout);
    for (int32_t i = 0; i < crew.threads; i++) free(crew.workers[i].scratch);
    free((float *)job.buffers.input), free((float *)job.buffers.residual);
    free(job.buffers.output);
}

static bool read_layer(orepa_convolution *shape)
{
    int in[5], out[4], window[5], residual;
    if (scanf("%d %d %d %d %d", &in[0], &in[1], &in[2], &in[3], &in[4]) != 5
        || scanf("%d %d %d %d", &out[0], &out[1], &out[2], &out[3]) != 4
        || scanf("%d %d %d %d %d", &window[0], &window[1], &window[2], &window[3], &window[4]) != 5
        || scanf("%d", &residual) != 1)
        return false;
    *shape = (orepa_convolution){
        .input = in[3] == 1 ? orepa_map_planar(in[0], in[1], in[2], in[4])
                            : orepa_map_blocked(in[0], in[1], in[2], in[4]),
        .output = orepa_map_blocked(out[0], out[1], out[2], out[3]),
        .residual = orepa_map_blocked(out[0], out[1], out[2], residual < 0 ? 0 : residual),
        .images = 1, .kernel = window[0], .stride = window[1], .padding = window[2],
        .groups = window[3], .relu = window[4], .has_residual = residual >= 0,
        .threads = crew.threads,
    };
    return true;
}

int main(int count, char **arguments)
{
    orepa_isa isa = orepa_isa_best();
    crew.threads = count > 1 ? atoi(arguments[1]) : 1;
    if (crew.threads < 1 || crew.threads > MOST_THREADS) {
        fprintf(stderr, "expected 1 to %d threads\n", MOST_THREADS);
        return 64;
    }
    crew.workers = calloc((size_t)crew.threads, sizeof *crew.workers);
    if (count > 2 && (!orepa_isa_named(arguments[2], &isa) || isa > orepa_isa_best())) {
        fprintf(stderr, "no instruction set %s here\n", arguments[2]);
        return 64;
    }
    for (int32_t i = 1; i < crew.threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(intptr_t)i) != 0) return 71;
    }
    for (orepa_convolution shape; read_layer(&shape);) time_layer(&shape, isa);
    free(weights.memory);
    return 0;
}
