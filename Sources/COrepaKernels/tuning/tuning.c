// The processors that were measured, and the rule for others. CONTRIBUTING.md says how one is measured and added.
#include "orepa_tuning.h"

#include <stddef.h>

#include "../kernels.h"
#include "../numbers.h"

const orepa_processor orepa_processors[] = {
    {"Zen 3", orepa_isa_avx2, {32, 512},
     {.stream_lines = 128, .stream_into_l1 = false, .paced_lines = 1024, .tiles_alone = 84, .tiles_shared = 21,
      .tiles_of_images = 64, .fills_blocks_with_images = false, .item_cycles = 20000}},
    // stream_*: from issue 12, whole networks in turns on one thread, against 160 lines into L1: RepVGG-A0 takes 0.86,
    // ResNet-34 0.87, ResNet-50 0.95, ResNeXt-50 0.98 of the time. Not swept by tune.py.
    {"Zen 4", orepa_isa_avx512, {32, 1024},
     {.stream_lines = 128, .stream_into_l1 = false, .paced_lines = 1024, .tiles_alone = 21, .tiles_shared = 21,
      .tiles_of_images = 64, .fills_blocks_with_images = true, .item_cycles = 20000}},
    // The networks of docs/peers.json were measured with these values.
    {"Zen 5", orepa_isa_avx512, {48, 1024},
     {.stream_lines = 160, .stream_into_l1 = true, .paced_lines = 1024, .tiles_alone = 21, .tiles_shared = 21,
      .tiles_of_images = 64, .fills_blocks_with_images = true, .item_cycles = 20000}},
};

const int32_t orepa_processor_count = sizeof orepa_processors / sizeof *orepa_processors;

const orepa_processor *orepa_processor_find(orepa_isa isa, orepa_caches caches)
{
    for (int32_t i = 0; i < orepa_processor_count; i++) {
        const orepa_processor *processor = &orepa_processors[i];
        if (processor->isa == isa && processor->caches.l1_data == caches.l1_data && processor->caches.l2 == caches.l2)
            return processor;
    }
    return NULL;
}

// Whether the set has enough registers for sums that a kernel takes more than a few pixels.
static bool has_kernels_of_many_pixels(orepa_isa isa)
{
    enum { MANY = 14 };
    for (int32_t i = 0; i < orepa_multiply_variant_count; i++)
        if (orepa_multiply_variants[i].isa == isa && orepa_multiply_variants[i].pixels >= MANY) return true;
    return false;
}

orepa_tuning orepa_tuning_by_rule(orepa_isa isa, orepa_caches caches)
{
    // Streamed weights take 10 KB of an L1 that has room for them beside 32 KB of input. Paced ones take an eighth of L2.
    enum { ROOMY_L1 = 48, COMMON_L2 = 512, LINES_IN_KB = 1024 / OREPA_CACHE_LINE, TILES = 21, MANY_TILES = 84 };
    const bool is_roomy = caches.l1_data >= ROOMY_L1, takes_many = has_kernels_of_many_pixels(isa);
    const int32_t l2 = caches.l2 > 0 ? orepa_min(caches.l2, COMMON_L2) : COMMON_L2;
    return (orepa_tuning){
        .stream_lines = is_roomy ? 160 : 128,
        .stream_into_l1 = is_roomy,
        .paced_lines = orepa_max(1, l2 * LINES_IN_KB / 8),
        .tiles_alone = takes_many ? TILES : MANY_TILES,
        .tiles_shared = TILES,
        .tiles_of_images = 64,
        .fills_blocks_with_images = takes_many,
        .item_cycles = 20000,
    };
}

orepa_tuning orepa_tuning_here(orepa_isa isa)
{
    const orepa_caches caches = orepa_caches_here();
    const orepa_processor *processor = orepa_processor_find(isa, caches);
    return processor ? processor->tuning : orepa_tuning_by_rule(isa, caches);
}

bool orepa_tuning_is_valid(const orepa_tuning *tuning)
{
    const int32_t values[] = {tuning->stream_lines, tuning->paced_lines, tuning->tiles_alone, tuning->tiles_shared,
                              tuning->tiles_of_images, tuning->item_cycles};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] < 1 || values[i] > OREPA_MOST_TUNING) return false;
    return true;
}
