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

// The values of a + b x + c x^2 at the points of F(4,3), over what the input transform leaves of the
// interpolation: its product of differences between points.
static void weight_points(const double g[3], double points[OREPA_WINOGRAD_POINTS])
{
    const double even = (g[0] + g[2]) / 6, odd = g[1] / 6;
    const double even2 = (g[0] + 4 * g[2]) / 24, odd2 = g[1] / 12;
    points[0] = g[0] / 4;
    points[1] = -even - odd;
    points[2] = odd - even;
    points[3] = even2 + odd2;
    points[4] = even2 - odd2;
    points[5] = g[2];
}

// All positions of one 3x3 kernel, in double precision, rounded once.
static void transform(const float *kernel, float positions[OREPA_WINOGRAD_POSITIONS])
{
    double rows[OREPA_WINOGRAD_POINTS][3];
    for (int x = 0; x < 3; x++) {
        const double column[3] = {kernel[x], kernel[3 + x], kernel[6 + x]};
        double points[OREPA_WINOGRAD_POINTS];
        weight_points(column, points);
        for (int i = 0; i < OREPA_WINOGRAD_POINTS; i++) rows[i][x] = points[i];
    }
    for (int i = 0; i < OREPA_WINOGRAD_POINTS; i++) {
        double points[OREPA_WINOGRAD_POINTS];
        weight_points(rows[i], points);
        for (int j = 0; j < OREPA_WINOGRAD_POINTS; j++)
            positions[i * OREPA_WINOGRAD_POINTS + j] = (float)points[j];
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
                if (output < outputs) transform(weights + (output * channels + c) * 9, positions);
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
