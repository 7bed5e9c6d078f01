#include "split.h"

#include "../numbers.h"

enum { CANDIDATES = 6 };

// Tiles of `largest` outputs and one for the rest, or sizes that differ by one at most.
static orepa_winograd_split candidate(int32_t size, int32_t largest, int even)
{
    orepa_winograd_split split = {{0}};
    if (even) {
        const int32_t tiles = orepa_divide_up(size, largest);
        split.count[size / tiles] += tiles - size % tiles;
        if (size % tiles) split.count[size / tiles + 1] += size % tiles;
    } else {
        split.count[largest] += size / largest;
        if (size % largest) split.count[size % largest] += 1;
    }
    return split;
}

// Half cycles for a pair of one input channel by 16 output channels, roughly: a multiply-add for each entry
// and one more for each position, but no less than its 64 bytes of weights take from memory (16 GB/s, what a core
// gets where others read too). It decides the bits of a layer.
enum { HALF_CYCLES_OF_WEIGHTS = 28 };
static int64_t cost(
    int32_t stride, const orepa_winograd_split *rows, const orepa_winograd_split *columns)
{
    const int32_t row_tiles = orepa_winograd_tiles(rows), column_tiles = orepa_winograd_tiles(columns);
    int64_t sums = 0, positions = 0;
    for (int32_t i = 0; i < OREPA_WINOGRAD_KINDS; i++)
        for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++) {
            const int64_t entries = (int64_t)orepa_winograd_entries(rows, stride, i, row_tiles)
                * orepa_winograd_entries(columns, stride, j, column_tiles);
            sums += entries;
            positions += entries > 0;
        }
    const int64_t compute = 2 * (sums + positions), memory = HALF_CYCLES_OF_WEIGHTS * positions;
    return compute > memory ? compute : memory;
}

void orepa_winograd_choose_splits(
    int32_t stride, int32_t height, int32_t width, orepa_winograd_split *rows,
    orepa_winograd_split *columns)
{
    int64_t least = INT64_MAX;
    for (int v = 0; v < CANDIDATES; v++)
        for (int h = 0; h < CANDIDATES; h++) {
            const orepa_winograd_split vertical = candidate(height, 4 - v / 2, v % 2);
            const orepa_winograd_split horizontal = candidate(width, 4 - h / 2, h % 2);
            const int64_t now = cost(stride, &vertical, &horizontal);
            if (now >= least) continue;
            least = now;
            *rows = vertical;
            *columns = horizontal;
        }
}

bool orepa_winograd_split_fills(const orepa_winograd_split *split, int32_t size)
{
    int64_t outputs = 0;
    for (int32_t m = 1; m <= OREPA_WINOGRAD_LARGEST; m++) {
        if (split->count[m] < 0) return false;
        outputs += (int64_t)m * split->count[m];
    }
    return split->count[0] == 0 && outputs == size;
}

int32_t orepa_winograd_tiles(const orepa_winograd_split *split)
{
    return split->count[1] + split->count[2] + split->count[3] + split->count[4];
}

// The smallest tiles that use a point, by stride.
static const int32_t smallest[2][OREPA_WINOGRAD_KINDS] = {{1, 1, 2, 3, 4, 1}, {1, 2, 3, 4, 1, 0}};

int32_t orepa_winograd_tile_entries(int32_t stride, int32_t kind, int32_t m)
{
    if (stride == 2 && kind == OREPA_WINOGRAD_ODD) return m;
    return m >= smallest[stride - 1][kind];
}

int32_t orepa_winograd_entries(
    const orepa_winograd_split *split, int32_t stride, int32_t kind, int32_t tiles)
{
    if (stride == 2 && kind == OREPA_WINOGRAD_ODD) return orepa_winograd_tile_start(split, tiles);
    int32_t users = 0;
    for (int32_t m = smallest[stride - 1][kind]; m <= OREPA_WINOGRAD_LARGEST; m++)
        users += split->count[m];
    return orepa_min(users, tiles);
}

int32_t orepa_winograd_tile_size(const orepa_winograd_split *split, int32_t tile)
{
    for (int32_t m = OREPA_WINOGRAD_LARGEST; m > 1; m--) {
        if (tile < split->count[m]) return m;
        tile -= split->count[m];
    }
    return 1;
}

int32_t orepa_winograd_tile_start(const orepa_winograd_split *split, int32_t tile)
{
    int32_t start = 0;
    for (int32_t m = OREPA_WINOGRAD_LARGEST; m >= 1 && tile > 0; m--) {
        const int32_t here = orepa_min(tile, split->count[m]);
        start += here * m;
        tile -= here;
    }
    return start;
}
