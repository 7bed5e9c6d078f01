// How an output map is cut into tiles: as the caller says, or by its height and width alone, so that the bits of
// a layer follow from the network.
#ifndef OREPA_WINOGRAD_SPLIT_H
#define OREPA_WINOGRAD_SPLIT_H

#include "winograd.h"

void orepa_winograd_choose_splits(
    int32_t stride, int32_t height, int32_t width, orepa_winograd_split *rows,
    orepa_winograd_split *columns);

// Whether its tiles add up to `size` outputs.
bool orepa_winograd_split_fills(const orepa_winograd_split *split, int32_t size);

// Tiles of a dimension.
int32_t orepa_winograd_tiles(const orepa_winograd_split *split);

// Entries of a kind among the first `tiles` tiles: of a point one for each tile that uses it, which are the
// first ones since larger tiles use more points; of odd pixels one for each output.
int32_t orepa_winograd_entries(
    const orepa_winograd_split *split, int32_t stride, int32_t kind, int32_t tiles);

// Entries of a kind in one tile of m outputs.
int32_t orepa_winograd_tile_entries(int32_t stride, int32_t kind, int32_t m);

// Outputs of tile `tile`, and where it begins.
int32_t orepa_winograd_tile_size(const orepa_winograd_split *split, int32_t tile);
int32_t orepa_winograd_tile_start(const orepa_winograd_split *split, int32_t tile);

#endif
