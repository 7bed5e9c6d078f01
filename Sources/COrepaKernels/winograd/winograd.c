// Winograd convolution. A block of tiles is rows of tiles of one image, or some whole images; an item is a group of output
// blocks of a block of tiles. geometry.h: where a block's entries lie; choice.h: what is chosen once; schedule.h: how a
// batch is cut; run.h: how an item is computed.
#include <stdio.h>

#include "../convolution.h"
#include "../kernels.h"
#include "choice.h"
#include "pack.h"
#include "run.h"
#include "schedule.h"
#include "split.h"

static int64_t multiply_adds(const orepa_convolution_plan *plan)
{
    const orepa_winograd_split *rows = &plan->winograd.rows, *columns = &plan->winograd.columns;
    const int32_t stride = plan->shape.stride;
    int64_t entries = 0;   // of one image at all positions
    for (int32_t i = 0; i < OREPA_WINOGRAD_KINDS; i++)
        for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++)
            entries += (int64_t)orepa_winograd_entries(rows, stride, i, orepa_winograd_tiles(rows))
                * orepa_winograd_entries(columns, stride, j, orepa_winograd_tiles(columns));
    return entries * plan->shape.input.channels * plan->winograd.blocks * 16;
}

// Such as "4+4+4+2", or "13*4+3+1" where there are more than four of a size; how many characters.
static size_t write_split(const orepa_winograd_split *split, char *text, size_t size)
{
    size_t length = 0;
    const char *plus = "";
    for (int32_t m = OREPA_WINOGRAD_LARGEST; m >= 1 && length < size; m--) {
        const int32_t count = split->count[m], parts = count > 4 ? 1 : count;
        for (int32_t i = 0; i < parts && length < size; i++, plus = "+")
            length += (size_t)(count > 4 ? snprintf(text + length, size - length, "%s%d*%d", plus, count, m)
                                         : snprintf(text + length, size - length, "%s%d", plus, m));
    }
    return length;
}

// The register tile is that of position 0, which every tile has.
static void write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->winograd.kernel[0]];
    size_t length = write_split(&plan->winograd.rows, text, size);
    if (length < size) length += (size_t)snprintf(text + length, size - length, " x ");
    if (length < size) length += write_split(&plan->winograd.columns, text + length, size - length);
    if (length < size) snprintf(text + length, size - length, ", %dx%d", kernel->pixels, kernel->blocks);
}

const orepa_algorithm_functions orepa_winograd_algorithm = {
    "winograd", orepa_winograd_choose, orepa_winograd_schedule, orepa_winograd_pack, orepa_winograd_run,
    multiply_adds, write_tiles};
