#include "multiply/multiply.h"
#include "kernels.h"
#include "test.h"
#include "winograd/pack.h"

#pragma STDC FP_CONTRACT OFF

// The transformed weights as their definition has them: one kernel after the other, in double precision.
static void kinds_of(int32_t stride, const double g[3], double kinds[OREPA_WINOGRAD_KINDS])
{
    if (stride == 2) {
        const double values[] = {g[0] / 2, -(g[0] + g[2]) / 2, (g[2] - g[0]) / 6, (g[0] + 2 * g[2]) / 6, g[2], g[1]};
        memcpy(kinds, values, sizeof values);
        return;
    }
    const double even = (g[0] + g[2]) / 6, odd = g[1] / 6;
    const double even2 = (g[0] + 4 * g[2]) / 24, odd2 = g[1] / 12;
    const double values[] = {g[0] / 4, -even - odd, odd - even, even2 + odd2, even2 - odd2, g[2]};
    memcpy(kinds, values, sizeof values);
}

static void transform(int32_t stride, const float *kernel, float positions[OREPA_WINOGRAD_POSITIONS])
{
    double rows[OREPA_WINOGRAD_KINDS][3], kinds[OREPA_WINOGRAD_KINDS];
    for (int x = 0; x < 3; x++) {
        const double column[3] = {kernel[x], kernel[3 + x], kernel[6 + x]};
        kinds_of(stride, column, kinds);
        for (int i = 0; i < OREPA_WINOGRAD_KINDS; i++) rows[i][x] = kinds[i];
    }
    for (int i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
        kinds_of(stride, rows[i], kinds);
        for (int j = 0; j < OREPA_WINOGRAD_KINDS; j++)
            positions[i * OREPA_WINOGRAD_KINDS + j] = (float)kinds[j];
    }
}

void check_winograd_packing(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, const float *packed,
    const char *text)
{
    const int64_t channels = plan->shape.input.channels, outputs = plan->shape.output.channels;
    const int32_t blocks = plan->winograd.blocks;
    for (int64_t o = 0; o < blocks * 16; o++) {
        const float want = o < outputs ? bias[o] : 0;
        if (memcmp(packed + o, &want, sizeof want) != 0) FAIL("%s: packed bias %d", text, (int)o);
        const int32_t first = (int32_t)(o / 16) / plan->winograd.group * plan->winograd.group;
        const bool whole = blocks - first >= plan->winograd.group;
        const int32_t group = whole ? plan->winograd.group : blocks - first;
        const int8_t *together = whole ? plan->winograd.together : plan->winograd.tail_together;
        const float *start = packed + orepa_winograd_weights_start(plan, first);
        for (int64_t c = 0; c < channels; c++) {
            static const float zero[9];
            float positions[OREPA_WINOGRAD_POSITIONS];
            transform(
                plan->shape.stride, o < outputs ? weights + (o * channels + c) * 9 : zero, positions);
            for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
                if (plan->winograd.number[q] < 0) continue;
                const int64_t lane = o - first * 16, lanes = together[q] * 16;
                const float *got = start + plan->winograd.number[q] * channels * group * 16
                    + (lane / lanes * channels + c) * lanes + lane % lanes;
                if (memcmp(got, &positions[q], sizeof *got) != 0)
                    FAIL(
                        "%s: packed weight %d, %d at position %d is %.9g, not %.9g", text, (int)o,
                        (int)c, q, *got, positions[q]);
            }
        }
    }
}
