// The body of the grouped kernels. Include inside the file's target attribute.
#include "../vector.h"

#define SPREAD4(v, k) \
    __builtin_shufflevector( \
        v, v, k, k, k, k, 4 + k, 4 + k, 4 + k, 4 + k, 8 + k, 8 + k, 8 + k, 8 + k, 12 + k, 12 + k, 12 + k, \
        12 + k)
#define SPREAD8(v, k) \
    __builtin_shufflevector( \
        v, v, k, k, k, k, k, k, k, k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k, 8 + k)

// Channel k of each group in all of the group's lanes. After inlining one shuffle is left.
OREPA_INLINE v16 spread(v16 v, const int width, const int k)
{
    if (width == 4)
        return k == 0 ? SPREAD4(v, 0) : k == 1 ? SPREAD4(v, 1) : k == 2 ? SPREAD4(v, 2) : SPREAD4(v, 3);
    return k == 0 ? SPREAD8(v, 0) : k == 1 ? SPREAD8(v, 1) : k == 2 ? SPREAD8(v, 2)
        : k == 3  ? SPREAD8(v, 3) : k == 4 ? SPREAD8(v, 4) : k == 5 ? SPREAD8(v, 5)
        : k == 6  ? SPREAD8(v, 6) : SPREAD8(v, 7);
}

OREPA_INLINE void grouped_tile(
    const orepa_grouped_call *call, int32_t first, const int pixels, const int width, const int stride)
{
    v16 sum[14];
    OREPA_UNROLL for (int i = 0; i < pixels; i++) sum[i] = v16_load(call->bias);
    const float *input = call->input + (int64_t)first * stride * 16, *w = call->weights;
    for (int y = 0; y < 3; y++, input += call->input_row) {
        OREPA_UNROLL for (int k = 0; k < width; k++, w += 48) {
            const v16 weight[3] = {v16_load(w), v16_load(w + 16), v16_load(w + 32)};
            OREPA_UNROLL for (int i = 0; i < pixels; i++)
                OREPA_UNROLL for (int x = 0; x < 3; x++)
                    sum[i] = v16_fma(
                        weight[x], spread(v16_load(input + (i * stride + x) * 16), width, k), sum[i]);
        }
    }
    OREPA_UNROLL for (int i = 0; i < pixels; i++) {
        const int64_t at = (int64_t)(first + i) * 16;
        if (call->residual) sum[i] += v16_load(call->residual + at);
        v16_store(call->output + at, call->relu ? v16_relu(sum[i]) : sum[i]);
    }
}

// A row in tiles of `most` pixels, then smaller ones.
#define GROUPED_TILES(count, width, stride) \
    for (; first + (count) <= call->pixels; first += (count)) \
        grouped_tile(call, first, count, width, stride);
#define GROUPED_KERNEL(isa, most, width, stride) \
    void orepa_f32_grouped_width##width##_stride##stride##__##isa(const orepa_grouped_call *call) \
    { \
        int32_t first = 0; \
        GROUPED_TILES(most, width, stride) \
        GROUPED_TILES(most / 2, width, stride) \
        GROUPED_TILES(1, width, stride) \
    }
#define GROUPED_KERNELS(isa, most) \
    GROUPED_KERNEL(isa, most, 4, 1) \
    GROUPED_KERNEL(isa, most, 4, 2) \
    GROUPED_KERNEL(isa, most, 8, 1) \
    GROUPED_KERNEL(isa, most, 8, 2)
