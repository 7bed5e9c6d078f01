// What plans take from the processor beside its instructions: how far ahead memory is fetched, and how much of the work
// is done together so that it fits the caches.
#ifndef OREPA_TUNING_H
#define OREPA_TUNING_H

#include <stdbool.h>

#include "orepa_isa.h"

// No value changes a bit of any result, whether a shape is planned, or how weights are packed: model files hold packed
// weights for every processor.
typedef struct {
    // Kernels that take all pixels in one pass read each weight once and in order, often from beyond L2. How far before
    // its use one is prefetched, in cache lines, and whether into L1, or only into L2 because L1 is full of input.
    int32_t stream_lines;
    bool stream_into_l1;
    // Kernels of few pixels pass over weights many times. In the meantime they prefetch into L2, at a steady pace, what
    // lies so many cache lines ahead.
    int32_t paced_lines;
    // The most Winograd tiles in a block of a large map. Every block passes over all weights, so that larger ones fetch
    // them less often from beyond L2; a kernel of few pixels then also wastes less on what is left of a row of entries.
    // But where threads share a layer, blocks fewer than threads are transformed by several of them.
    int32_t tiles_alone, tiles_shared;
    // Of maps that are less than a block several images make one, up to so many tiles.
    int32_t tiles_of_images;
    // Whether blocks are of that many images where it leaves threads without a block of their own. Kernels of many pixels
    // gain more from reading the weights once.
    bool fills_blocks_with_images;
    // Cycles of an item of direct and grouped convolutions, roughly: so many that claiming it costs nothing beside.
    int32_t item_cycles;
} orepa_tuning;

// Values are at least 1 and at most this.
enum { OREPA_MOST_TUNING = 1 << 20 };

bool orepa_tuning_is_valid(const orepa_tuning *tuning);

// Of a core, in KB; 0: not known.
typedef struct {
    int32_t l1_data, l2;
} orepa_caches;

// Of this machine's first core: what the processor says of itself, or else the system. Cheap after the first call.
orepa_caches orepa_caches_here(void);

// Of processors with these caches on which the instruction set was measured.
typedef struct {
    const char *name;
    orepa_isa isa;
    orepa_caches caches;
    orepa_tuning tuning;
} orepa_processor;

extern const orepa_processor orepa_processors[];
extern const int32_t orepa_processor_count;

// The first one with this instruction set and these caches; NULL: none.
const orepa_processor *orepa_processor_find(orepa_isa isa, orepa_caches caches);

// The values for an instruction set on other processors.
orepa_tuning orepa_tuning_by_rule(orepa_isa isa, orepa_caches caches);

// The values for an instruction set on this machine: of its processor, or else by rule.
orepa_tuning orepa_tuning_here(orepa_isa isa);

#endif
