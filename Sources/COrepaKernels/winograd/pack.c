#include "pack.h"

#include "../kernels.h"

#pragma STDC FP_CONTRACT OFF

size_t orepa_winograd_packed_floats(const orepa_convolution_plan *plan)
{
    return (size_t)orepa_winograd_weights_start(plan, plan->winograd.blocks);
}

int64_t orepa_winograd_weights_start(const orepa_convolution_plan *plan, int32_t block)
{
    return (int64_t)plan->winograd.blocks * 16
        + (int64_t)block * 16 * plan->winograd.positions * plan->shape.input.channels;
}

// The six kinds of a line of three weights: the values of g0 + g1 x + g2 x^2 (stride 2: g0 + g2 x) at the
// points of F(4), over the product of differences to the other points that interpolation divides by.
static void weight_kinds(int32_t stride, const double g[3], double kinds[OREPA_WINOGRAD_KINDS])
{
    if (stride == 2) {
        kinds[0] = g[0] / 2;
        kinds[1] = -(g[0] + g[2]) / 2;
        kinds[2] = (g[2] - g[0]) / 6;
        kinds[3] = (g[0] + 2 * g[2]) / 6;
        kinds[4] = g[2];
        kinds[OREPA_WINOGRAD_ODD] = g[1];
        return;
    }
    const double even = (g[0] + g[2]) / 6, odd = g[1] / 6;
    const double even2 = (g[0] + 4 * g[2]) / 24, odd2 = g[1] / 12;
    kinds[0] = g[0] / 4;
    kinds[1] = -even - odd;
    kinds[2] = odd - even;
    kinds[3] = even2 + odd2;
    kinds[4] = even2 - odd2;
    kinds[5] = g[2];
}

// All positions of one 3x3 kernel, in double precision, rounded once.
static void transform(
    int32_t stride, const float *kernel, float positions[OREPA_WINOGRAD_POSITIONS])
{
    double rows[OREPA_WINOGRAD_KINDS][3];
    for (int x = 0; x < 3; x++) {
        const double column[3] = {kernel[x], kernel[3 + x], kernel[6 + x]};
        double kinds[OREPA_WINOGRAD_KINDS];
        weight_kinds(stride, column, kinds);
        for (int i = 0; i < OREPA_WINOGRAD_KINDS; i++) rows[i][x] = kinds[i];
    }
    for (int i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
        double kinds[OREPA_WINOGRAD_KINDS];
        weight_kinds(stride, rows[i], kinds);
        for (int j = 0; j < OREPA_WINOGRAD_KINDS; j++)
            positions[i * OREPA_WINOGRAD_KINDS + j] = (float)kinds[j];
    }
}

void orepa_winograd_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end)
{
    const int64_t channels = plan->shape.input.channels;
    const int32_t outputs = plan->shape.output.channels;
    for (int64_t item = begin; item < end; item++) {
        const int32_t first = (int32_t)item * plan->winograd.group;
        const int32_t group = orepa_min(plan->winograd.group, plan->winograd.blocks - first);
        const int16_t *kernels =
            group == plan->winograd.group ? plan->winograd.kernel : plan->winograd.tail_kernel;
        float *start = packed + orepa_winograd_weights_start(plan, first);
        for (int32_t lane = 0; lane < group * 16; lane++) {
            const int32_t output = first * 16 + lane;
            packed[output] = output < outputs ? bias[output] : 0;
            for (int64_t c = 0; c < channels; c++) {
                float positions[OREPA_WINOGRAD_POSITIONS] = {0};
                if (output < outputs)
                    transform(
                        plan->shape.stride, weights + (output * channels + c) * 9, positions);
                for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
                    if (plan->winograd.number[q] < 0) continue;
                    const int32_t lanes = orepa_direct_rows[kernels[q]].blocks * 16;
                    start[plan->winograd.number[q] * channels * group * 16
                          + (lane / lanes * channels + c) * lanes + lane % lanes] = positions[q];
                }
            }
        }
    }
}
