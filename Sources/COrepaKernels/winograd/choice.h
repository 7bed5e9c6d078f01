// What is computed, with which kernels, and how weights are packed for it.
#ifndef OREPA_WINOGRAD_CHOICE_H
#define OREPA_WINOGRAD_CHOICE_H

#include "../convolution.h"

// Chooses tiles, unless the caller did, the group of output blocks, and how many of them each position's kernels take
// together. It follows from one image, whatever the processor, so that plans for any number of images and threads can
// share packed weights. False if the algorithm does not take the shape.
bool orepa_winograd_choose(orepa_convolution_plan *plan);

// The rows of tiles in a block of at most this many tiles.
int32_t orepa_winograd_rows_of_tiles(const orepa_convolution_plan *plan, int32_t tiles);

// Chooses the kernels of every used position for groups of this many blocks; the cost of one whole group, roughly. Where
// `together` is given, kernels take as many blocks as it says. Those of all tiles of a position in one pass are best if
// `once`.
double orepa_winograd_choose_kernels(
    const orepa_convolution_plan *plan, const orepa_winograd_geometry *geometry, bool once, int32_t group,
    const int8_t *together, int16_t kernels[OREPA_WINOGRAD_POSITIONS]);

#endif
