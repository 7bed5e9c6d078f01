// How a batch is cut into blocks of tiles for some threads, and their geometry.
#ifndef OREPA_WINOGRAD_SCHEDULE_H
#define OREPA_WINOGRAD_SCHEDULE_H

#include "../convolution.h"

// False if a block has too many entries.
bool orepa_winograd_schedule(orepa_convolution_plan *plan);

// A block of tiles: its geometry, and its first image and row of tiles.
typedef struct {
    const orepa_winograd_geometry *geometry;
    int32_t image, row;
} orepa_winograd_block;

orepa_winograd_block orepa_winograd_block_at(const orepa_convolution_plan *plan, int32_t index);

#endif
