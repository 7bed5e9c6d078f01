// The body of the grouped kernels. Include inside the file's target attribute.
#include "../lanes.h"

#if OREPA_LANES == 16
#define OREPA_SPREAD4(v, k) \
    __builtin_shufflevector( \
        v, v, k, k, k, k, 4 + k, 4 + k, 4 + k, 4 + k, 8 + k, 8 + k, 8 + k, 8 + k, 12 + k, 12 + k, 12 + k, \
        12 + k)
#define OREPA_SPREAD8(v, k) \
    __builtin_shufflevector( \
        v, v, k, k, k, k, k, k, k, k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k)
#else
#define OREPA_SPREAD4(v, k) __builtin_shufflevector(v, v, k, k, k, k, 4 + k, 4 + k, 4 + k, 4 + k)
#define OREPA_SPREAD8(v, k) v   // all lanes are one group
#endif
// Channel k of each group in all of the group's lanes. After inlining one load is left, and at most one shuffle.
OREPA_INLINE lanes spread(const float *from, const int width, const int k)
{
    if (width == OREPA_LANES) return lanes_all(from[k]);
    const lanes v = lanes_load(from);
    if (width == 4)
        return k == 0 ? OREPA_SPREAD4(v, 0) : k == 1 ? OREPA_SPREAD4(v, 1) : k == 2 ? OREPA_SPREAD4(v, 2) : OREPA_SPREAD4(v, 3);
    return k == 0 ? OREPA_SPREAD8(v, 0) : k == 1 ? OREPA_SPREAD8(v, 1) : k == 2 ? OREPA_SPREAD8(v, 2)
        : k == 3  ? OREPA_SPREAD8(v, 3) : k == 4 ? OREPA_SPREAD8(v, 4) : k == 5 ? OREPA_SPREAD8(v, 5)
        : k == 6  ? OREPA_SPREAD8(v, 6) : OREPA_SPREAD8(v, 7);
}

// Adds the products of channel k of each group in one kernel row.
OREPA_INLINE void grouped_channel(
    lanes *sum, const float *input, const float *w, const int pixels, const int width, const int k,
    const int stride)
{
    const lanes weight[3] = {lanes_load(w), lanes_load(w + 16), lanes_load(w + 32)};
    OREPA_UNROLL for (int i = 0; i < pixels; i++)
        OREPA_UNROLL for (int x = 0; x < 3; x++)
            sum[i] = lanes_fma(weight[x], spread(input + (i * stride + x) * 16, width, k), sum[i]);
}

OREPA_INLINE void grouped_tile(
    const orepa_grouped_call *call, int32_t first, int32_t lane, const int pixels, const int width,
    const int stride)
{
    lanes sum[14];
    OREPA_UNROLL for (int i = 0; i < pixels; i++) sum[i] = lanes_load(call->bias + lane);
    const float *input = call->input + (int64_t)first * stride * 16 + lane, *w = call->weights + lane;
    for (int y = 0; y < 3; y++, input += call->input_row) {
        if (width == OREPA_LANES) {
            // Of an unrolled loop the compiler moves loads up until registers run out.
            _Pragma("clang loop unroll(disable)") for (int k = 0; k < width; k++, w += 48)
                grouped_channel(sum, input, w, pixels, width, k, stride);
        } else {
            OREPA_UNROLL for (int k = 0; k < width; k++, w += 48)
                grouped_channel(sum, input, w, pixels, width, k, stride);
        }
    }
    OREPA_UNROLL for (int i = 0; i < pixels; i++) {
        const int64_t at = (int64_t)(first + i) * 16 + lane;
        if (call->residual) sum[i] += lanes_load(call->residual + at);
        lanes_store(call->output + at, call->relu ? lanes_relu(sum[i]) : sum[i]);
    }
}

// A row in tiles of `most` pixels, then smaller ones.
#define OREPA_GROUPED_TILES(count, width, stride) \
    for (; first + (count) <= call->pixels; first += (count)) \
        for (int32_t lane = 0; lane < 16; lane += OREPA_LANES) \
            grouped_tile(call, first, lane, count, width, stride);
#define OREPA_GROUPED_KERNEL(isa, most, width, stride) \
    void orepa_f32_grouped_width##width##_stride##stride##__##isa(const orepa_grouped_call *call) \
    { \
        int32_t first = 0; \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->input) && OREPA_IS_ALIGNED(call->weights)); \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->bias) && OREPA_IS_ALIGNED(call->residual)); \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->output) && call->pixels >= 1); \
        OREPA_GROUPED_TILES(most, width, stride) \
        OREPA_GROUPED_TILES(most / 2, width, stride) \
        OREPA_GROUPED_TILES(1, width, stride) \
    }
#define OREPA_GROUPED_KERNELS(isa, most) \
    OREPA_GROUPED_KERNEL(isa, most, 4, 1) \
    OREPA_GROUPED_KERNEL(isa, most, 4, 2) \
    OREPA_GROUPED_KERNEL(isa, most, 8, 1) \
    OREPA_GROUPED_KERNEL(isa, most, 8, 2)
