// Which register tile to use. Nothing here changes a bit of any result.
#ifndef OREPA_MULTIPLY_CHOICE_H
#define OREPA_MULTIPLY_CHOICE_H

#include <stdint.h>

#include "../numbers.h"
#include "orepa_isa.h"

// A row of `width` pixels is cut into this many tiles of at most `pixels`; their widths differ by one at
// most: see orepa_multiply_tile_start.
static inline int32_t orepa_multiply_tiles(int32_t width, int32_t pixels)
{
    return orepa_divide_up(width, pixels);
}

// The first pixel of a tile; of tile number `tiles` the end of the row.
static inline int32_t orepa_multiply_tile_start(int32_t width, int32_t tiles, int32_t tile)
{
    return tile * (width / tiles) + orepa_min(tile, width % tiles);
}

// Sets of block counts, as bits 1 << blocks.
static inline uint32_t orepa_blocks_up_to(int32_t blocks)
{
    return blocks > 30 ? ~0u : (2u << blocks) - 1;
}
static inline uint32_t orepa_blocks_dividing(int32_t blocks)
{
    uint32_t set = 0;
    for (int32_t i = 1; i <= blocks; i++) set |= blocks % i ? 0 : 1u << i;
    return set;
}

// Roughly the cycles per input channel that a kernel (an index into orepa_multiply_variants) takes for a row of
// `width` pixels by `blocks` blocks.
double orepa_multiply_cost(int32_t row, int32_t width, int32_t blocks);

// The cheapest kernel for outputs `step` floats apart whose blocks are in the set; -1 if there is none.
// Kernels of at least `pixels` pixels go first, if there are any.
int16_t orepa_multiply_choose(
    orepa_isa isa, int64_t step, int32_t width, int32_t pixels, int32_t blocks, uint32_t allowed);

#endif
