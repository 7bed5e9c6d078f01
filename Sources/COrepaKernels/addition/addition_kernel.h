// The body of the addition kernel. Include inside the file's target attribute.
#include "../vector.h"

#define OREPA_ADDITION_KERNEL(isa) \
    void orepa_f32_addition_row__##isa( \
        const float *a, const float *b, float *output, int32_t pixels, int32_t relu) \
    { \
        for (int64_t i = 0; i < (int64_t)pixels * 16; i += 16) { \
            const v16 sum = v16_load(a + i) + v16_load(b + i); \
            v16_store(output + i, relu ? v16_relu(sum) : sum); \
        } \
    }
