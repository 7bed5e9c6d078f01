// Tiles of an output row: `pixels` neighbouring outputs by `blocks` vectors of 16
// output channels, all of them in registers while the whole sum is taken. Included by each instruction
// set's file, which instantiates it for its register tiles; the sum's order is written here, once.
//
// Include it inside the file's target attribute: everything here is inlined into functions of that target.
#include "../vector.h"

// Input channels in one round of the innermost loop: 1 or 4. With the few registers of AVX2 a round is so short
// that the loop's own instructions count, and pixels take many passes over weights: such kernels prefetch at the
// call's pace.
#ifndef OREPA_MULTIPLY_UNROLL
#define OREPA_MULTIPLY_UNROLL 1
#endif

// Prefetches weights of one input channel. Which cache they go to is part of the instruction: a branch between the two,
// which always goes the same way, is one more operation beside tens of multiply-adds.
OREPA_INLINE void multiply_stream(const char *at, const int32_t into_l1, const int blocks)
{
    if (into_l1)
        OREPA_UNROLL for (int j = 0; j < blocks; j++) __builtin_prefetch(at + j * 64, 0, 3);
    else
        OREPA_UNROLL for (int j = 0; j < blocks; j++) __builtin_prefetch(at + j * 64, 0, 2);
}

// Adds the products of one input channel.
OREPA_INLINE void multiply_channel(
    v16 *sum, const float *x, const float *w, const int pixels, const int blocks, const ptrdiff_t step)
{
    v16 weight[4];
    OREPA_UNROLL for (int j = 0; j < blocks; j++) weight[j] = v16_load(w + j * 16);
    OREPA_UNROLL for (int i = 0; i < pixels; i++) {
        const v16 value = v16_all(x[i * step]);
        OREPA_UNROLL for (int j = 0; j < blocks; j++)
            sum[i * blocks + j] = v16_fma(weight[j], value, sum[i * blocks + j]);
    }
}

// Where a tile reads and writes.
typedef struct {
    const float *input, *residual, *ahead;
    float *output;
} multiply_place;

OREPA_INLINE void multiply_tile(
    const orepa_multiply_call *call, const multiply_place place, const int pixels, const int blocks, const ptrdiff_t step)
{
    v16 sum[OREPA_MULTIPLY_MOST_SUMS];
    OREPA_UNROLL for (int j = 0; j < blocks; j++) {
        const v16 bias = call->bias ? v16_load(call->bias + j * 16) : v16_all(0);
        OREPA_UNROLL for (int i = 0; i < pixels; i++) sum[i * blocks + j] = bias;
    }
    const float *w = call->weights;
    const char *ahead = (const char *)place.ahead;
    const int64_t stream_ahead = call->stream_ahead;
    const int32_t into_l1 = call->stream_into_l1;
    for (int32_t plane = 0; plane < call->planes; plane++) {
        const int full = plane < call->planes - 1;
        const int32_t segments = full ? 1 : call->last_segments;
        const int32_t length = full ? call->length : call->last_length;
        const float *row = place.input + plane * call->input_plane;
        for (int32_t y = 0; y < call->rows; y++, row += call->input_row) {
            const float *next = y + 1 < call->rows
                ? row + call->input_row
                : place.input + (plane + 1) * call->input_plane;
            if (length >= 16) OREPA_UNROLL for (int i = 0; i < pixels; i++)
                __builtin_prefetch(next + i * step, 0, 3);
            for (int32_t segment = 0; segment < segments; segment++) {
                const float *x = row + segment * 16;
                int32_t k = 0;
                for (; k + OREPA_MULTIPLY_UNROLL <= length; k += OREPA_MULTIPLY_UNROLL) {
                    if (OREPA_MULTIPLY_UNROLL > 1) {
                        __builtin_prefetch(ahead, 0, 2);
                        __builtin_prefetch(ahead + call->ahead_step, 0, 2);
                        ahead += 2 * call->ahead_step;
                    }
                    if (OREPA_MULTIPLY_UNROLL == 1) multiply_stream((const char *)w + stream_ahead, into_l1, blocks);
                    OREPA_UNROLL for (int u = 0; u < OREPA_MULTIPLY_UNROLL; u++)
                        multiply_channel(sum, x + u, w + u * blocks * 16, pixels, blocks, step);
                    x += OREPA_MULTIPLY_UNROLL;
                    w += OREPA_MULTIPLY_UNROLL * blocks * 16;
                }
                for (; OREPA_MULTIPLY_UNROLL > 1 && k < length; k++, x++, w += blocks * 16)
                    multiply_channel(sum, x, w, pixels, blocks, step);
            }
        }
    }
    OREPA_UNROLL for (int j = 0; j < blocks; j++) {
        float *y = place.output + j * call->output_plane;
        if (place.residual) {
            const float *r = place.residual + j * call->residual_plane;
            OREPA_UNROLL for (int i = 0; i < pixels; i++) sum[i * blocks + j] += v16_load(r + i * 16);
        }
        if (call->relu)
            OREPA_UNROLL for (int i = 0; i < pixels; i++)
                sum[i * blocks + j] = v16_relu(sum[i * blocks + j]);
        OREPA_UNROLL for (int i = 0; i < pixels; i++) v16_store(y + i * 16, sum[i * blocks + j]);
    }
}

OREPA_INLINE void multiply_tiles(
    const orepa_multiply_call *call, const int32_t tiles, const int pixels, const int blocks, const ptrdiff_t step)
{
    OREPA_ASSERT(step == call->step);
    multiply_place place = {
        .input = call->input, .residual = call->residual, .ahead = call->ahead, .output = call->output};
    for (int32_t tile = 0; tile < tiles; tile++) {
        multiply_tile(call, place, pixels, blocks, step);
        place.input += pixels * step;
        place.output += pixels * 16;
        if (place.residual) place.residual += pixels * 16;
        place.ahead += call->ahead_tile;
    }
}

// multiply_tiles for every count of pixels that a register tile takes.
#define OREPA_MULTIPLY_CASE(count, blocks, step) \
    case count: multiply_tiles(call, tiles, count, blocks, step); return;
#define OREPA_MULTIPLY_CASES_6(...) \
    OREPA_MULTIPLY_CASE(1, __VA_ARGS__) OREPA_MULTIPLY_CASE(2, __VA_ARGS__) OREPA_MULTIPLY_CASE(3, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(4, __VA_ARGS__) OREPA_MULTIPLY_CASE(5, __VA_ARGS__) OREPA_MULTIPLY_CASE(6, __VA_ARGS__)
#define OREPA_MULTIPLY_CASES_9(...) \
    OREPA_MULTIPLY_CASES_6(__VA_ARGS__) \
    OREPA_MULTIPLY_CASE(7, __VA_ARGS__) OREPA_MULTIPLY_CASE(8, __VA_ARGS__) OREPA_MULTIPLY_CASE(9, __VA_ARGS__)
#define OREPA_MULTIPLY_CASES_14(...) \
    OREPA_MULTIPLY_CASES_9(__VA_ARGS__) \
    OREPA_MULTIPLY_CASE(10, __VA_ARGS__) OREPA_MULTIPLY_CASE(11, __VA_ARGS__) OREPA_MULTIPLY_CASE(12, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(13, __VA_ARGS__) OREPA_MULTIPLY_CASE(14, __VA_ARGS__)
#define OREPA_MULTIPLY_CASES_28(...) \
    OREPA_MULTIPLY_CASES_14(__VA_ARGS__) \
    OREPA_MULTIPLY_CASE(15, __VA_ARGS__) OREPA_MULTIPLY_CASE(16, __VA_ARGS__) OREPA_MULTIPLY_CASE(17, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(18, __VA_ARGS__) OREPA_MULTIPLY_CASE(19, __VA_ARGS__) OREPA_MULTIPLY_CASE(20, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(21, __VA_ARGS__) OREPA_MULTIPLY_CASE(22, __VA_ARGS__) OREPA_MULTIPLY_CASE(23, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(24, __VA_ARGS__) OREPA_MULTIPLY_CASE(25, __VA_ARGS__) OREPA_MULTIPLY_CASE(26, __VA_ARGS__) \
    OREPA_MULTIPLY_CASE(27, __VA_ARGS__) OREPA_MULTIPLY_CASE(28, __VA_ARGS__)

#define OREPA_MULTIPLY_KERNEL(name, isa, pixel_count, blocks, step) \
    void orepa_f32_multiply_##name##__##isa(const orepa_multiply_call *call, int32_t pixels, int32_t tiles) \
    { \
        OREPA_ASSERT(1 <= pixels && pixels <= (pixel_count) && tiles >= 1); \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->weights) && OREPA_IS_ALIGNED(call->bias)); \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->output) && OREPA_IS_ALIGNED(call->residual)); \
        switch (pixels) { OREPA_MULTIPLY_CASES_##pixel_count(blocks, step) } \
    }
