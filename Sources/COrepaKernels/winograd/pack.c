#include "pack.h"

#include "../kernels.h"

size_t orepa_winograd_packed_floats(const orepa_convolution_plan *plan)
{
    return (size_t)orepa_winograd_weights_start(plan, plan->winograd.blocks);
}

int64_t orepa_winograd_weights_start(const orepa_convolution_plan *plan, int32_t block)
{
    return (int64_t)plan->winograd.blocks * 16
        + (int64_t)block * 16 * plan->winograd.positions * plan->shape.input.channels;
}

// Transforms the weights of one block of output channels, some input channels at a time.
static void pack_channels(
    const orepa_convolution_plan *plan, const orepa_single_kernels *kernels, orepa_winograd_pack_call call,
    const orepa_stop *stop)
{
    enum { CHANNELS = 1024 };
    const int32_t channels = plan->shape.input.channels;
    for (int32_t first = 0; first < channels && !orepa_is_stopped(stop); first += CHANNELS) {
        call.channels = orepa_min(CHANNELS, channels - first);
        if (plan->shape.stride == 1) kernels->winograd_pack_stride1(&call);
        else kernels->winograd_pack_stride2(&call);
        call.weights += CHANNELS * 9;
        for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
            if (call.position[q]) call.position[q] += (int64_t)CHANNELS * call.step[q];
    }
}

void orepa_winograd_pack(
    const orepa_convolution_plan *plan, const float *weights, const float *bias, float *packed,
    int64_t begin, int64_t end, const orepa_stop *stop)
{
    // The same bits from each instruction set; the plan's may be one that this machine lacks.
    const orepa_isa isa = orepa_isa_is_here(plan->isa) ? plan->isa : orepa_isa_best();
    const orepa_single_kernels *singles = &orepa_singles[isa];
    const int64_t channels = plan->shape.input.channels;
    const int32_t outputs = plan->shape.output.channels;
    for (int64_t item = begin; item < end; item++) {
        const int32_t first = (int32_t)item * plan->winograd.group;
        const int32_t group = orepa_min(plan->winograd.group, plan->winograd.blocks - first);
        const int8_t *blocks =
            group == plan->winograd.group ? plan->winograd.together : plan->winograd.tail_together;
        float *start = packed + orepa_winograd_weights_start(plan, first);
        for (int32_t b = 0; b < group; b++) {
            const int32_t output = (first + b) * 16;
            orepa_winograd_pack_call call = {
                .weights = weights + output * channels * 9,
                .lane_step = channels * 9,
                .lanes = orepa_min(16, outputs - output),
            };
            for (int32_t lane = 0; lane < 16; lane++)
                packed[output + lane] = lane < call.lanes ? bias[output + lane] : 0;
            for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
                if (plan->winograd.number[q] < 0) continue;
                const int32_t together = blocks[q];
                call.step[q] = together * 16;
                call.position[q] = start
                    + (plan->winograd.number[q] * group + b / together * together) * channels * 16
                    + b % together * 16;
            }
            pack_channels(plan, singles, call, stop);
        }
    }
}
