// The bodies of the stem kernels. Include inside the file's target attribute.
#include "../vector.h"

// Toom-Cook: row q holds the coefficients of the product of (x - p) over the other finite points p; of all
// of them for infinity.
static const float B44[OREPA_STEM_POINTS][7] = {
    {-2, 4, 2.5f, -5, -0.5f, 1, 0},    // 0
    {0, 2, -2, -4.5f, 0.5f, 1, 0},     // 1
    {0, -2, 6, -3.5f, -1.5f, 1, 0},    // -1
    {0, 1, -1.5f, -2, 1.5f, 1, 0},     // 2
    {0, -1, 2.5f, 0, -2.5f, 1, 0},     // -2
    {0, -2, 4, 2.5f, -5, -0.5f, 1},    // infinity
    {0, 4, 0, -5, 0, 1, 0},            // 1/2
};
static const float B43[OREPA_STEM_POINTS - 1][6] = {
    {4, 0, -5, 0, 1, 0},               // 0
    {0, -4, -4, 1, 1, 0},              // 1
    {0, 4, -4, -1, 1, 0},              // -1
    {0, -2, -1, 2, 1, 0},              // 2
    {0, 2, -1, -2, 1, 0},              // -2
    {0, 4, 0, -5, 0, 1},               // infinity
};

// The sum of factor[r] * row[r], from the last one with a factor to the first.
OREPA_INLINE v16 combine(const float *factor, const v16 *row, const int rows)
{
    v16 sum = v16_all(0);
    int begun = 0;
    OREPA_UNROLL for (int r = rows - 1; r >= 0; r--) {
        if (factor[r] == 0) continue;
        sum = begun ? v16_fma(v16_all(factor[r]), row[r], sum) : v16_all(factor[r]) * row[r];
        begun = 1;
    }
    return sum;
}

OREPA_INLINE void stem_input(const orepa_stem_input_call *call)
{
    OREPA_ASSERT(call->count >= 16);
    for (int32_t x = 0; x < call->count; x += 16) {
        // The last step overlaps the one before.
        const int32_t at = x + 16 <= call->count ? x : call->count - 16;
        v16 row[7];
        OREPA_UNROLL for (int r = 0; r < 7; r++)
            row[r] = v16_load_unaligned(call->input + 2 * r * call->input_row + at);
        OREPA_UNROLL for (int q = 0; q < OREPA_STEM_POINTS; q++)
            v16_store_unaligned(call->even + q * call->point + at, combine(B44[q], row, 7));
        OREPA_UNROLL for (int r = 0; r < 6; r++)
            row[r] = v16_load_unaligned(call->input + (2 * r + 1) * call->input_row + at);
        OREPA_UNROLL for (int q = 0; q < OREPA_STEM_POINTS - 1; q++)
            v16_store_unaligned(call->odd + q * call->point + at, combine(B43[q], row, 6));
    }
}

OREPA_INLINE void stem_output(const orepa_stem_output_call *call)
{
    OREPA_ASSERT(0 <= call->first && call->first < OREPA_STEM_ROWS);
    OREPA_ASSERT(OREPA_IS_ALIGNED(call->products) && OREPA_IS_ALIGNED(call->bias) && OREPA_IS_ALIGNED(call->output));
    const v16 bias = v16_load(call->bias);
    for (int32_t i = 0; i < call->pixels; i++) {
        v16 p[OREPA_STEM_POINTS], row[OREPA_STEM_ROWS];
        OREPA_UNROLL for (int q = 0; q < OREPA_STEM_POINTS; q++)
            p[q] = v16_load(call->products + q * call->point + (int64_t)i * 16);
        const v16 sum = p[1] + p[2], difference = p[1] - p[2];
        const v16 sum2 = p[3] + p[4], difference2 = p[3] - p[4];
        row[0] = ((p[0] + sum) + sum2) + p[6];
        row[1] = v16_fma(v16_all(0.5f), p[6], v16_fma(v16_all(2), difference2, difference));
        row[2] = v16_fma(v16_all(0.25f), p[6], v16_fma(v16_all(4), sum2, sum));
        row[3] = v16_fma(v16_all(0.125f), p[6], v16_fma(v16_all(8), difference2, difference)) + p[5];
        OREPA_UNROLL for (int k = 0; k < OREPA_STEM_ROWS; k++) {
            if (k < call->first) continue;
            const v16 value = row[k] + bias;
            v16_store(
                call->output + k * call->output_row + (int64_t)i * 16,
                call->relu ? v16_relu(value) : value);
        }
    }
}

#define OREPA_STEM_KERNELS(isa) \
    void orepa_f32_stem_input__##isa(const orepa_stem_input_call *call) { stem_input(call); } \
    void orepa_f32_stem_output__##isa(const orepa_stem_output_call *call) { stem_output(call); }
