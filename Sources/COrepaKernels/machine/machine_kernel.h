// The bodies of the kernels that measure a processor. Include inside the file's target attribute.
#include "../vector.h"
#include "orepa_machine.h"

OREPA_INLINE float sum_of_lanes(v16 v)
{
    float sum = 0;
    for (int lane = 0; lane < 16; lane++) sum += v[lane];
    return sum;
}

// `chains` sums in registers: at least as many as multiply-adds can be under way, and a divisor of
// OREPA_MACHINE_VECTORS.
OREPA_INLINE float multiply(float factor, int64_t rounds, const int chains)
{
    const v16 value = v16_all(factor);
    v16 sum[OREPA_MACHINE_VECTORS];
    OREPA_UNROLL for (int i = 0; i < chains; i++) sum[i] = v16_all(0);
    for (int64_t round = 0; round < rounds * (OREPA_MACHINE_VECTORS / chains); round++)
        OREPA_UNROLL for (int i = 0; i < chains; i++) sum[i] = v16_fma(value, value, sum[i]);
    float all = 0;
    for (int i = 0; i < chains; i++) all += sum_of_lanes(sum[i]);
    return all;
}

OREPA_INLINE float read_all(const float *memory, int64_t count)
{
    v16 sum[4];
    OREPA_UNROLL for (int c = 0; c < 4; c++) sum[c] = v16_all(0);
    for (int64_t i = 0; i < count; i += 64)
        OREPA_UNROLL for (int c = 0; c < 4; c++) sum[c] += v16_load(memory + i + c * 16);
    return sum_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

#define OREPA_MACHINE_KERNELS(isa, chains) \
    float orepa_f32_machine_multiply__##isa(float factor, int64_t rounds) { return multiply(factor, rounds, chains); } \
    float orepa_f32_machine_read__##isa(const float *memory, int64_t count) { return read_all(memory, count); }
