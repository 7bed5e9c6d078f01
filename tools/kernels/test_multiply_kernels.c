#include "multiply/multiply.h"
#include "kernels.h"
#include "test.h"

static void check_kernel(const orepa_multiply_variant *kernel, int32_t width)
{
    const int32_t tiles = random_int(1, 3), pixels = tiles * width;
    const int32_t step = kernel->step ? kernel->step : random_int(1, 40);
    const int32_t lanes = kernel->blocks * 16;
    const bool partial = random_int(0, 1);
    orepa_multiply_call call = {
        .step = step,
        .planes = random_int(1, 3),
        .rows = random_int(1, 3),
        .length = random_int(1, 20),
        .last_segments = partial ? random_int(1, 3) : 1,
        .relu = random_int(0, 1),
    };
    call.last_length = partial ? random_int(1, 16) : call.length;
    const int32_t last_width = (call.last_segments - 1) * 16 + call.last_length;
    const int32_t reach = call.length > last_width ? call.length : last_width;
    call.input_row = (pixels - 1) * step + reach + random_int(0, 5);
    call.input_plane = call.rows * call.input_row + random_int(0, 5);
    call.output_plane = (pixels + random_int(0, 2)) * 16;
    call.residual_plane = (pixels + random_int(0, 2)) * 16;
    const int32_t products =
        call.rows * ((call.planes - 1) * call.length + call.last_segments * call.last_length);

    float *input = random_floats((size_t)(call.planes * call.input_plane));
    float *weights = random_floats((size_t)products * lanes), *bias = random_floats(lanes);
    float *residual = random_floats((size_t)(kernel->blocks * call.residual_plane));
    float *output = floats((size_t)(kernel->blocks * call.output_plane));
    call.input = input, call.weights = weights, call.output = output;
    call.bias = random_int(0, 3) ? bias : NULL;
    call.residual = random_int(0, 1) ? residual : NULL;
    kernel->run(&call, width, tiles);

    for (int32_t lane = 0; lane < lanes; lane++)
        for (int32_t i = 0; i < pixels; i++) {
            float sum = call.bias ? bias[lane] : 0;
            const float *weight = weights + lane;
            for (int32_t p = 0; p < call.planes; p++) {
                const bool last = p == call.planes - 1;
                for (int32_t y = 0; y < call.rows; y++)
                    for (int32_t s = 0; s < (last ? call.last_segments : 1); s++)
                        for (int32_t k = 0; k < (last ? call.last_length : call.length); k++, weight += lanes)
                            sum = fmaf(
                                *weight,
                                input[p * call.input_plane + y * call.input_row + s * 16 + i * step + k],
                                sum);
            }
            if (call.residual) sum += residual[lane / 16 * call.residual_plane + i * 16 + lane % 16];
            if (call.relu && sum < 0) sum = 0;
            const float got = output[lane / 16 * call.output_plane + i * 16 + lane % 16];
            if (memcmp(&got, &sum, sizeof got) != 0)
                FAIL(
                    "%s on %s: pixel %d of %d, lane %d is %.9g, not %.9g", kernel->name,
                    orepa_isa_name(kernel->isa), i, pixels, lane, got, sum);
        }
    free(input), free(weights), free(bias), free(residual), free(output);
}

void test_multiply_kernels(void)
{
    for (int32_t i = 0; i < orepa_multiply_variant_count; i++) {
        const orepa_multiply_variant *kernel = &orepa_multiply_variants[i];
        if (!orepa_isa_is_here(kernel->isa)) continue;
        for (int32_t width = 1; width <= kernel->pixels; width++) check_kernel(kernel, width);
    }
}
