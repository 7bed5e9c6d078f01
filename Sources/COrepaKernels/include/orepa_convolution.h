// Convolutions: planned once, then run in independent work items.
#ifndef OREPA_CONVOLUTION_H
#define OREPA_CONVOLUTION_H

#include <stdbool.h>

#include "orepa_isa.h"
#include "orepa_map.h"
#include "orepa_stop.h"
#include "orepa_tuning.h"

// What is computed, for each of `images` images:
//
//   output = activation(bias + weights (*) input + residual)
//
// a cross-correlation with `kernel` by `kernel` weights `[output channels, input channels / groups, kernel,
// kernel]`, zeros outside of the input. The activation is max(0, x), which keeps NaN, or none.
// A linear layer is the convolution with kernel 1 of a map of height 1 whose "pixels" are the images.
typedef struct {
    orepa_map input, output;
    orepa_map residual;     // of the output's channels, height and width; read only if has_residual
    int32_t images;
    int32_t kernel, stride, padding, groups;
    bool relu, has_residual;
    int32_t threads;        // how many are expected to share the work; a hint for cutting it
} orepa_convolution;

// No convolution beyond these is planned. A product of an output is one multiply-add, also of those with zero weights by
// which blocks of channels are filled up.
enum {
    OREPA_MOST_WINDOW = 1 << 20,     // kernel, stride and padding
    OREPA_MOST_PRODUCTS = 1 << 20,   // of an output
    OREPA_MOST_IMAGES = 1 << 12,
    OREPA_MOST_THREADS = 1 << 20,
};

typedef enum {
    // Sums in the order input channel block, kernel row, kernel column, channel. Any kernel, stride, padding
    // (at most the input's border) and groups; a planar input only without groups.
    // Where a block of output channels is not within one group, its sums run over all channels that any of
    // its groups sees, with zero weights: their NaN and infinity reach it.
    orepa_direct,
    // F(4,3), F(3,3), F(2,3) and F(1,3) tiles, for stride 2 F(4,2) ... F(1,2) on the even pixels: kernel 3,
    // stride 1 or 2, no groups, blocked input whose border is at least `padding`. Sums over channels in order
    // at each position.
    orepa_winograd,
    // Vertical polyphase F(4,4) and F(4,3): kernel 7, stride 2, no groups, no residual, planar input, at least 4
    // output rows and 16 floats in a row. Sums over even rows' channels, then odd rows', and kernel columns.
    orepa_stem,
    // Kernel 3, stride 1 or 2, groups of 4 or 8 channels in and out, blocked input whose border is at least
    // `padding`. Sums in the order kernel row, channel, kernel column.
    orepa_grouped,
} orepa_algorithm;

enum { OREPA_ALGORITHM_COUNT = orepa_grouped + 1 };

const char *orepa_algorithm_name(orepa_algorithm algorithm);

enum {
    OREPA_WINOGRAD_LARGEST = 4,   // outputs of a tile in one dimension
    OREPA_WINOGRAD_KINDS = 6,     // of weights in one dimension; see winograd.h
    OREPA_WINOGRAD_POSITIONS = OREPA_WINOGRAD_KINDS * OREPA_WINOGRAD_KINDS,
};

// A dimension cut into Winograd tiles: count[m] tiles of m outputs, larger ones first; count[0] is 0.
typedef struct {
    int32_t count[OREPA_WINOGRAD_LARGEST + 1];
} orepa_winograd_split;

// Blocks of Winograd tiles that are alike, from block `first` on: the entries of each position, and what comes before it.
typedef struct {
    int32_t first;
    int32_t images, rows;                          // of tiles
    int32_t entries[OREPA_WINOGRAD_POSITIONS];
    int32_t start[OREPA_WINOGRAD_POSITIONS];       // entries of earlier positions
    int8_t even[OREPA_WINOGRAD_POSITIONS];         // earlier positions whose number of entries is even
    int32_t all;
} orepa_winograd_geometry;

enum { OREPA_WINOGRAD_MOST_GEOMETRIES = 8 };

// How to compute a convolution. Made by orepa_convolution_prepare, then read only.
typedef struct {
    orepa_convolution shape;
    orepa_algorithm algorithm;
    orepa_isa isa;
    orepa_tuning tuning;

    size_t packed_floats;          // weights and bias, packed; aligned to 64 bytes
    int64_t pack_items;            // independent parts of packing
    size_t worker_floats;          // scratch of each worker; aligned to 64 bytes
    int64_t items;                 // independent parts of a run

    // The rest belongs to the algorithm.
    struct {
        int16_t kernel, tail_kernel; // of whole groups of blocks, and of the last, smaller group
        int32_t sets, blocks;      // sets of output blocks that see the same input blocks
        int32_t planes;            // input blocks of a set
        int32_t products;          // of an output
        int32_t height, width;     // of the output, as the kernels see it: it may be one long row
        int32_t tiles, tail_tiles; // of a row
        int32_t slices;            // items of one group of blocks of one image
        bool rows_first;           // items of all groups for some rows follow one another
        bool gathered, scattered;  // one long row though the input's, or output's, rows do not follow one another
    } direct;
    struct {
        orepa_winograd_split rows, columns;
        int32_t column_entries[OREPA_WINOGRAD_KINDS];   // of a row of tiles
        int32_t positions;                              // used ones
        int8_t number[OREPA_WINOGRAD_POSITIONS];        // of a used position; -1: not used
        int32_t blocks, group;                          // output blocks, and how many are computed together
        // Of a group, how many blocks a position's kernel takes together; and of the last, smaller one.
        int8_t together[OREPA_WINOGRAD_POSITIONS], tail_together[OREPA_WINOGRAD_POSITIONS];

        // How the batch is cut.
        int32_t images_per_block, blocks_of_image, tile_blocks;
        int32_t geometry_count;
        orepa_winograd_geometry geometries[OREPA_WINOGRAD_MOST_GEOMETRIES];
        int16_t kernel[OREPA_WINOGRAD_POSITIONS], tail_kernel[OREPA_WINOGRAD_POSITIONS];
        int32_t ahead_step;        // bytes of weights to prefetch for two products, to keep pace with their use
    } winograd;
    struct {
        int32_t blocks;
        int16_t kernel, tail_kernel;
    } stem;
    struct {
        int32_t rows;              // of an item
    } grouped;
} orepa_convolution_plan;

// Chooses kernels and how the work is cut. False, and the plan unchanged, if the algorithm does not
// compute this shape, or if it is beyond the limits above, or its maps beyond those of orepa_map.h, or if they do not
// fit one another, or if `tuning` is not valid. Without one (NULL) the plan is for this machine.
// The bits of the result depend on the shape's numbers and the algorithm, never on isa, tuning or the cut.
// How weights are packed depends on isa too, but not on tuning, images and threads.
bool orepa_convolution_prepare(
    const orepa_convolution *shape, orepa_algorithm algorithm, orepa_isa isa, const orepa_tuning *tuning,
    orepa_convolution_plan *plan);

// The same for orepa_winograd with tiles that the caller chose, by which the result's bits depend on them. False
// also if they do not add up to the output's height and width.
bool orepa_convolution_prepare_winograd(
    const orepa_convolution *shape, const orepa_winograd_split *rows,
    const orepa_winograd_split *columns, orepa_isa isa, const orepa_tuning *tuning,
    orepa_convolution_plan *plan);

// Makes a plan for other numbers of images and threads of one: what is chosen and how weights are packed stays, how a run
// is cut is as orepa_convolution_prepare would have it. False, and `to` unchanged, as there. `to` may be the plan.
bool orepa_convolution_reschedule(
    const orepa_convolution_plan *plan, int32_t images, int32_t threads, orepa_convolution_plan *to);

// Model files may hold packed weights, which are used only if they have this version. To be raised with every
// change of what any algorithm packs, of the order it packs in, or of the choices that decide the order
// (algorithm, tiles, groups of blocks): a test compares the bytes.
enum { OREPA_PACKING_VERSION = 1 };

// Packs items [begin, end) of contiguous weights and bias `[output channels]`. The packed bias comes first:
// one float for each output channel.
// A plan for an instruction set that this machine lacks can be packed too, to the same bits.
void orepa_convolution_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop);

typedef struct {
    const float *packed;
    const float *input, *residual;   // bases of the maps; residual NULL without has_residual
    float *output;                   // may be the residual's base if the maps are the same
    uint64_t serial;                 // not 0; all items of a run have it, no earlier run with the same workers had
} orepa_convolution_buffers;

// One thread's scratch, and what the last item left there, which spares the next one some work. All zero but
// for the scratch and `descends` before the first run. A cache line, so that threads do not disturb one another.
typedef struct {
    float *scratch;          // worker_floats, aligned to 64 bytes
    uint64_t serial;         // of the run
    int32_t part;            // of the input, in the algorithm's own numbering
    int32_t descends;        // whether its items come in descending order; decides what is prefetched
    int32_t unused[10];
} orepa_convolution_worker;

// Runs items [begin, end). Does not allocate, lock or fail.
void orepa_convolution_run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end);

// Multiply-adds of one run that kernels really do: after what Winograd tiles save, with the lanes that fill up
// blocks of output channels, without the transforms.
int64_t orepa_convolution_multiply_adds(const orepa_convolution_plan *plan);

// How the output is cut, for people: Winograd tiles as rows x columns, such as "4+4+4+2 x 14*4" (14 tiles of 4
// columns), then the pixels x blocks of 16 channels of the register tiles. Cut off at `size`, its 0 included.
void orepa_convolution_write_tiles(const orepa_convolution_plan *plan, char *text, size_t size);

#endif
