// Times every algorithm that can compute a layer, and every Winograd split that is worth a thought: what
// tools/benchmarks/check_algorithms.py asks. `candidates THREADS [ISA]` reads a layer from each line of standard input,
//
//   inputs height width block border  outputs height width border  kernel stride padding groups relu  residual
//
// (residual: -1, or the border of the map that is added) and answers with a line for each candidate:
//
//   algorithm TAB tiles TAB median milliseconds
//
// then an empty line. Candidates take turns. Each run takes its weights and maps from another place, as in a network
// whose other layers have been through the caches; what the weights are does not matter to the time, so the memory
// holds random ones and nothing is packed.
#include "measure.h"
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

typedef struct {
    orepa_convolution_plan plan;
    char tiles[80];
    double times[TURNS];
    int32_t turns;
} candidate;

static double median(const candidate *c)
{
    double sorted[TURNS];
    memcpy(sorted, c->times, sizeof sorted);
    return spread_of(sorted, c->turns).median;
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

static void take_turn(candidate *c, cold_memory *memory)
{
    int32_t runs = 0;
    double taken = 0;
    for (; taken < turn_seconds; runs++) taken += run_cold(&c->plan, memory);
    c->times[c->turns++] = taken / runs;
}

static void time_layer(const orepa_convolution *shape, orepa_isa isa)
{
    static candidate all[MOST_CANDIDATES];
    const int32_t count = find_candidates(shape, isa, all);
    size_t scratch = 0, packed = 0;
    for (int32_t i = 0; i < count; i++) {
        if (all[i].plan.worker_floats > scratch) scratch = all[i].plan.worker_floats;
        if (all[i].plan.packed_floats > packed) packed = all[i].plan.packed_floats;
    }
    give_scratch(scratch);
    const int64_t map = shape->input.image > shape->output.image ? shape->input.image : shape->output.image;
    cold_memory memory = make_cold_memory(WEIGHT_BYTES, packed, (size_t)map);

    double least = 1e9;
    for (int32_t turn = 0; turn < TURNS; turn++) {
        for (int32_t i = 0; i < count; i++)
            if (turn < FIRST_TURNS || median(&all[i]) < hopeless * least)
                take_turn(&all[i], &memory);
        least = 1e9;
        for (int32_t i = 0; i < count; i++)
            if (median(&all[i]) < least) least = median(&all[i]);
    }
    for (int32_t i = 0; i < count; i++)
        printf("%s\t%s\t%.6f\n", orepa_algorithm_name(all[i].plan.algorithm), all[i].tiles, median(&all[i]) * 1e3);
    printf("\n");
    fflush(stdout);
    free_cold_memory(&memory);
}

static bool read_layer(orepa_convolution *shape, int32_t threads)
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
        .threads = threads,
    };
    return true;
}

int main(int count, char **arguments)
{
    orepa_isa isa = orepa_isa_best();
    const int32_t threads = count > 1 ? atoi(arguments[1]) : 1;
    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "expected 1 to %d threads\n", MOST_THREADS);
        return 64;
    }
    if (count > 2 && (!orepa_isa_named(arguments[2], &isa) || !orepa_isa_is_here(isa))) {
        fprintf(stderr, "no instruction set %s here\n", arguments[2]);
        return 64;
    }
    start_team(threads);
    for (orepa_convolution shape; read_layer(&shape, threads);) time_layer(&shape, isa);
    return 0;
}
