// Times layers of published networks under several tunings in turns: what tools/benchmarks/tune.py asks.
//
//   tune here [ISA]                     this machine's row: lines of NAME TAB VALUE
//   tune THREADS IMAGES TURNS [ISA]     times the tunings of standard input, a line each, numbers in the order of
//                                       the struct
//
// The answer is a line for each layer that a tuning changes anything of:
//
//   network TAB layer TAB count in the network TAB median milliseconds of the first tuning
//   TAB a ratio for each tuning: the median, over the turns, of its time by the first one's in the same turn
#include "layers.h"
#include "measure.h"

enum { MOST_TUNINGS = 32, MOST_TURNS = 200, MOST_THREADS = 64 };
static const double turn_seconds = 1e-3;   // of a tuning's, at least

static bool read_tuning(orepa_tuning *tuning)
{
    int v[8];
    for (int i = 0; i < 8; i++)
        if (scanf("%d", &v[i]) != 1) return false;
    *tuning = (orepa_tuning){v[0], v[1] != 0, v[2], v[3], v[4], v[5], v[6] != 0, v[7]};
    return true;
}

static void print_values(const orepa_tuning *t)
{
    printf("stream_lines\t%d\nstream_into_l1\t%d\npaced_lines\t%d\n", t->stream_lines, t->stream_into_l1, t->paced_lines);
    printf("tiles_alone\t%d\ntiles_shared\t%d\n", t->tiles_alone, t->tiles_shared);
    printf("tiles_of_images\t%d\n", t->tiles_of_images);
    printf("fills_blocks_with_images\t%d\nitem_cycles\t%d\n", t->fills_blocks_with_images, t->item_cycles);
}

static void print_row(orepa_isa isa)
{
    const orepa_caches caches = orepa_caches_here();
    const orepa_processor *row = orepa_processor_find(isa, caches);
    const orepa_tuning tuning = orepa_tuning_here(isa);
    printf("row\t%s\nisa\t%s\n", row ? row->name : "", orepa_isa_name(isa));
    printf("l1_data\t%d\nl2\t%d\n", caches.l1_data, caches.l2);
    print_values(&tuning);
}

// A prefetch distance changes what a plan does, but nothing else in it. At worst a layer is timed for nothing: bytes
// between the fields may differ.
static bool is_same(const orepa_convolution_plan *a, const orepa_convolution_plan *b)
{
    orepa_convolution_plan x = *a, y = *b;
    x.tuning.tiles_alone = y.tuning.tiles_alone = x.tuning.tiles_shared = y.tuning.tiles_shared = 0;
    x.tuning.tiles_of_images = y.tuning.tiles_of_images = 0;
    x.tuning.fills_blocks_with_images = y.tuning.fills_blocks_with_images = false;
    x.tuning.item_cycles = y.tuning.item_cycles = 0;
    return memcmp(&x, &y, sizeof x) == 0;
}

typedef struct {
    const layer *layer;
    int32_t count;
    bool differs;
    orepa_convolution_plan plans[MOST_TUNINGS];
} contest;

static void plan_contest(
    contest *c, const layer *l, orepa_isa isa, int32_t images, int32_t threads, const orepa_tuning *tunings,
    int32_t count)
{
    const orepa_convolution shape = layer_shape(l, images, threads);
    memset(c, 0, sizeof *c);
    c->layer = l, c->count = count;
    for (int32_t i = 0; i < count; i++) {
        if (!orepa_convolution_prepare(&shape, layer_algorithm(l, isa), isa, &tunings[i], &c->plans[i])) {
            fprintf(stderr, "tuning %d is not valid\n", i);
            exit(65);
        }
        c->differs |= !is_same(&c->plans[0], &c->plans[i]);
    }
}

static double turn_of(const orepa_convolution_plan *plan, cold_memory *memory)
{
    int32_t runs = 0;
    double taken = 0;
    for (; taken < turn_seconds; runs++) taken += run_cold(plan, memory);
    return taken / runs;
}

static void hold_contest(const contest *c, cold_memory *memory, int32_t turns)
{
    static double times[MOST_TUNINGS][MOST_TURNS];
    for (int32_t turn = 0; turn < turns; turn++)
        for (int32_t i = 0; i < c->count; i++) {
            // Each turn begins with another one, so that none always follows the same.
            const int32_t tuning = (i + turn) % c->count;
            times[tuning][turn] = turn_of(&c->plans[tuning], memory);
        }
    double ratios[MOST_TUNINGS];
    for (int32_t i = c->count - 1; i >= 0; i--) {
        double each[MOST_TURNS];
        for (int32_t turn = 0; turn < turns; turn++) each[turn] = times[i][turn] / times[0][turn];
        ratios[i] = spread_of(each, turns).median;
    }
    char text[80];
    describe_layer(c->layer, text, sizeof text);
    printf("%s\t%s\t%d\t%.6f", c->layer->network, text, c->layer->count, spread_of(times[0], turns).median * 1e3);
    for (int32_t i = 0; i < c->count; i++) printf("\t%.5f", ratios[i]);
    printf("\n");
    fflush(stdout);
}

static int usage(void)
{
    fprintf(stderr, "expected: tune here [ISA], or tune THREADS IMAGES TURNS [ISA] with up to %d tunings\n", MOST_TUNINGS);
    return 64;
}

int main(int count, char **arguments)
{
    const bool here = count > 1 && strcmp(arguments[1], "here") == 0;
    const char *set = here ? (count > 2 ? arguments[2] : NULL) : (count > 4 ? arguments[4] : NULL);
    orepa_isa isa = orepa_isa_best();
    if (set && (!orepa_isa_named(set, &isa) || !orepa_isa_is_here(isa))) {
        fprintf(stderr, "no instruction set %s here\n", set);
        return 64;
    }
    if (here) return print_row(isa), 0;
    if (count < 4) return usage();
    const int32_t threads = atoi(arguments[1]), images = atoi(arguments[2]), turns = atoi(arguments[3]);
    if (threads < 1 || threads > MOST_THREADS || images < 1 || turns < 1 || turns > MOST_TURNS) return usage();
    orepa_tuning tunings[MOST_TUNINGS];
    int32_t read = 0;
    while (read < MOST_TUNINGS && read_tuning(&tunings[read])) read++;
    if (read == 0) return usage();

    contest *contests = calloc((size_t)layer_count, sizeof *contests);
    size_t scratch = 0, packed = 0, map = 0;
    for (int32_t i = 0; i < layer_count; i++) {
        contest *c = &contests[i];
        plan_contest(c, &layers[i], isa, images, threads, tunings, read);
        for (int32_t t = 0; t < read; t++) {
            const orepa_convolution *shape = &c->plans[t].shape;
            const size_t in = (size_t)(shape->input.image * images), out = (size_t)(shape->output.image * images);
            if (c->plans[t].worker_floats > scratch) scratch = c->plans[t].worker_floats;
            if (c->plans[t].packed_floats > packed) packed = c->plans[t].packed_floats;
            if (in > map) map = in;
            if (out > map) map = out;
        }
    }
    start_team(threads);
    give_scratch(scratch);
    cold_memory memory = make_cold_memory(WEIGHT_BYTES, packed, map);
    for (int32_t i = 0; i < layer_count; i++)
        if (contests[i].differs) hold_contest(&contests[i], &memory, turns);
    return 0;
}
