// 7x7 convolution of stride 2 on a planar input, by strips of 4 output rows.
//
// Packed: bias [blocks][16], then for each group of g output blocks, for each point, even and then odd rows of
// every channel (at 1/2 only even ones), for each kernel column [g][16].
//
// Items: image by image, strip by strip. The last strip ends with the last row and writes only the rows that
// the one before has not.
#include <stdio.h>

#include "../convolution.h"
#include "../multiply/choice.h"
#include "../kernels.h"

#pragma STDC FP_CONTRACT OFF

// Planes at a point: channels of even and odd rows.
static int32_t planes_at(const orepa_convolution_plan *plan, int32_t point)
{
    return plan->shape.input.channels * (point == OREPA_STEM_HALF ? 1 : 2);
}

// Products of all points together.
static int64_t products(const orepa_convolution_plan *plan)
{
    return (int64_t)plan->shape.input.channels * OREPA_STEM_KERNEL * (2 * OREPA_STEM_POINTS - 1);
}

// Floats of an input row that the transform works on, and of a transformed row.
static int32_t row_floats(const orepa_convolution_plan *plan)
{
    return 2 * (plan->shape.output.width - 1) + OREPA_STEM_KERNEL;
}
static int64_t padded_row_floats(const orepa_convolution_plan *plan)
{
    return orepa_divide_up(row_floats(plan), 16) * 16;
}

static int32_t strips(const orepa_convolution_plan *plan)
{
    return orepa_divide_up(plan->shape.output.height, OREPA_STEM_ROWS);
}

static bool choose(orepa_convolution_plan *plan)
{
    const orepa_convolution *shape = &plan->shape;
    if (shape->kernel != OREPA_STEM_KERNEL || shape->stride != 2 || shape->groups != 1) return false;
    if (shape->input.block != 1 || shape->output.block != 16 || shape->has_residual) return false;
    if (shape->input.border < shape->padding) return false;
    if (shape->output.height < OREPA_STEM_ROWS || row_floats(plan) < 16) return false;

    plan->stem.blocks = orepa_map_blocks(&shape->output);
    const int32_t width = shape->output.width, blocks = plan->stem.blocks;
    plan->stem.kernel =
        orepa_multiply_choose(plan->isa, 2, width, 1, blocks, orepa_blocks_up_to(blocks));
    const int32_t group = orepa_multiply_variants[plan->stem.kernel].blocks;
    const int32_t left = blocks % group ? blocks % group : group;
    plan->stem.tail_kernel = orepa_multiply_choose(plan->isa, 2, width, 1, left, 1u << left);

    plan->packed_floats = (size_t)blocks * 16 * (size_t)(products(plan) + 1);
    plan->pack_items = orepa_divide_up(blocks, group);
    const int32_t most = orepa_multiply_variants[plan->stem.kernel].pixels;
    const int32_t tail_most = orepa_multiply_variants[plan->stem.tail_kernel].pixels;
    plan->worker_floats =
        (size_t)((int64_t)OREPA_STEM_POINTS * 2 * shape->input.channels * padded_row_floats(plan))
        + (size_t)(OREPA_STEM_POINTS * 16 * orepa_max(most * group, tail_most * left));
    return true;
}

static bool schedule(orepa_convolution_plan *plan)
{
    plan->items = (int64_t)plan->shape.images * strips(plan);
    return true;
}

// The value of g[0] + g[1] x + ... at a point, over the product of its differences to the other ones; the
// odd rows do not have the point 1/2. At infinity the last weight.
static double weight_at(const double *g, int32_t taps, int32_t point)
{
    static const double points[OREPA_STEM_POINTS] = {0, 1, -1, 2, -2, 0, 0.5};
    static const int32_t infinity = 5;
    if (point == infinity) return g[taps - 1];
    const double x = points[point];
    double value = 0, divisor = 1;
    for (int32_t k = taps - 1; k >= 0; k--) value = value * x + g[k];
    for (int32_t other = 0; other < OREPA_STEM_POINTS; other++) {
        if (other == point || other == infinity || (taps == 3 && other == OREPA_STEM_HALF)) continue;
        divisor *= x - points[other];
    }
    return value / divisor;
}

static void pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop)
{
    enum { SIZE = OREPA_STEM_KERNEL };
    const int32_t channels = plan->shape.input.channels, outputs = plan->shape.output.channels;
    const int32_t step = orepa_multiply_variants[plan->stem.kernel].blocks;
    for (int64_t item = begin; item < end; item++) {
        const int32_t first = (int32_t)item * step;
        const int32_t lanes = orepa_min(step, plan->stem.blocks - first) * 16;
        float *to = packed + (int64_t)plan->stem.blocks * 16 + (int64_t)first * 16 * products(plan);
        for (int32_t o = first * 16; o < first * 16 + lanes; o++) packed[o] = o < outputs ? bias[o] : 0;
        for (int32_t point = 0; point < OREPA_STEM_POINTS; point++)
            for (int32_t plane = 0; plane < planes_at(plan, point) && !orepa_is_stopped(stop); plane++)
                for (int32_t x = 0; x < SIZE; x++, to += lanes)
                    for (int32_t lane = 0; lane < lanes; lane++) {
                        const int32_t o = first * 16 + lane, odd = plane >= channels;
                        const int32_t channel = plane % channels;
                        double g[4] = {0};
                        for (int32_t k = 0; o < outputs && 2 * k + odd < SIZE; k++)
                            g[k] = weights[(((int64_t)o * channels + channel) * SIZE + 2 * k + odd) * SIZE + x];
                        to[lane] = (float)weight_at(g, odd ? 3 : 4, point);
                    }
    }
}

// Transformed rows: [point][even and odd rows of each channel][padded row].
static void transform(
    const orepa_convolution_plan *plan, const float *input, float *v, int32_t y)
{
    const orepa_map *from = &plan->shape.input;
    const int64_t row = padded_row_floats(plan);
    for (int32_t channel = 0; channel < from->channels; channel++) {
        const orepa_stem_input_call call = {
            .input = input + channel * from->plane
                + orepa_map_offset(from, 2 * y - plan->shape.padding, -plan->shape.padding),
            .even = v + channel * row,
            .odd = v + ((int64_t)from->channels + channel) * row,
            .input_row = from->row,
            .point = (int64_t)2 * from->channels * row,
            .count = row_floats(plan),
        };
        orepa_singles[plan->isa].stem_input(&call);
    }
}

// Pixels [x, x + pixels) of a strip for the output blocks from `first` on.
static void tile(
    const orepa_convolution_plan *plan, const orepa_multiply_variant *kernel, const float *v, float *m,
    const float *packed, float *output, int32_t x, int32_t pixels, int32_t first, int32_t skip)
{
    const orepa_map *to = &plan->shape.output;
    const int64_t row = padded_row_floats(plan), point = (int64_t)pixels * kernel->blocks * 16;
    orepa_multiply_call call = {
        .stream_ahead = (int64_t)plan->tuning.stream_lines * OREPA_CACHE_LINE,
        .stream_into_l1 = plan->tuning.stream_into_l1,
        .input = v + (int64_t)2 * x,
        .weights = packed + (int64_t)plan->stem.blocks * 16 + (int64_t)first * 16 * products(plan),
        .output = m,
        .input_plane = row,
        .output_plane = (int64_t)pixels * 16,
        .step = 2,
        .rows = 1,
        .length = OREPA_STEM_KERNEL,
        .last_segments = 1,
        .last_length = OREPA_STEM_KERNEL,
    };
    for (int32_t q = 0; q < OREPA_STEM_POINTS; q++) {
        call.planes = planes_at(plan, q);
        call.ahead = call.weights;
        kernel->run(&call, pixels, 1);
        call.input += (int64_t)2 * plan->shape.input.channels * row;
        call.weights += (int64_t)call.planes * OREPA_STEM_KERNEL * kernel->blocks * 16;
        call.output += point;
    }
    for (int32_t b = 0; b < kernel->blocks; b++) {
        const orepa_stem_output_call back = {
            .products = m + (int64_t)b * pixels * 16,
            .bias = packed + (first + b) * 16,
            .output = output + (first + b) * to->plane + (int64_t)x * 16,
            .point = point,
            .output_row = to->row,
            .pixels = pixels,
            .first = skip,
            .relu = plan->shape.relu,
        };
        orepa_singles[plan->isa].stem_output(&back);
    }
}

static void run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end)
{
    const orepa_map *from = &plan->shape.input, *to = &plan->shape.output;
    float *v = worker->scratch;
    float *m = v + (int64_t)OREPA_STEM_POINTS * 2 * from->channels * padded_row_floats(plan);
    for (int64_t item = begin; item < end; item++) {
        const int32_t strip = (int32_t)(item % strips(plan));
        const int64_t image = item / strips(plan);
        const int32_t y = orepa_min(strip * OREPA_STEM_ROWS, to->height - OREPA_STEM_ROWS);
        const int32_t skip = strip * OREPA_STEM_ROWS - y;
        float *output = buffers->output + image * to->image;
        orepa_map_clear_border(
            to, output, 0, plan->stem.blocks, y + skip, y + OREPA_STEM_ROWS);
        transform(plan, buffers->input + image * from->image, v, y);
        for (int32_t first = 0, blocks; first < plan->stem.blocks; first += blocks) {
            const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->stem.kernel];
            if (plan->stem.blocks - first < kernel->blocks)
                kernel = &orepa_multiply_variants[plan->stem.tail_kernel];
            blocks = kernel->blocks;
            const int32_t tiles = orepa_multiply_tiles(to->width, kernel->pixels);
            for (int32_t i = 0; i < tiles; i++) {
                const int32_t x = orepa_multiply_tile_start(to->width, tiles, i);
                const int32_t next = orepa_multiply_tile_start(to->width, tiles, i + 1);
                tile(
                    plan, kernel, v, m, buffers->packed, output + orepa_map_offset(to, y, 0), x,
                    next - x, first, skip);
            }
        }
    }
}

static int64_t multiply_adds(const orepa_convolution_plan *plan)
{
    return strips(plan) * products(plan) * plan->stem.blocks * 16 * plan->shape.output.width;
}

static void write_tiles(const orepa_convolution_plan *plan, char *text, size_t size)
{
    const orepa_multiply_variant *kernel = &orepa_multiply_variants[plan->stem.kernel];
    snprintf(text, size, "%d rows, %dx%d", OREPA_STEM_ROWS, kernel->pixels, kernel->blocks);
}

const orepa_algorithm_functions orepa_stem_algorithm = {
    "stem", choose, schedule, pack, run, multiply_adds, write_tiles};
