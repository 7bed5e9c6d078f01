// The bodies of the pooling kernels. Include inside the file's target attribute.
#include "../vector.h"

// The larger one; NaN if either is. The first comparison keeps a NaN in `most`, the second one in `value`.
OREPA_INLINE v16 larger(v16 most, v16 value)
{
    most = value > most ? value : most;
    return value == value ? most : value;
}

OREPA_INLINE v16 largest_of_column(const float *column, int64_t row, const int rows)
{
    v16 most = v16_load(column);
    for (int r = 1; r < rows; r++) most = larger(most, v16_load(column + r * row));
    return most;
}

OREPA_INLINE void max_pool(const orepa_max_pool_call *call)
{
    for (int32_t x = 0; x < call->outputs; x++) {
        const int32_t start = x * call->stride - call->padding;
        const int32_t from = start < 0 ? 0 : start;
        const int32_t to = start + call->kernel < call->width ? start + call->kernel : call->width;
        const float *column = call->input + (int64_t)from * 16;
        v16 most = largest_of_column(column, call->input_row, call->rows);
        for (int32_t u = from + 1; u < to; u++) {
            column += 16;
            most = larger(most, largest_of_column(column, call->input_row, call->rows));
        }
        v16_store(call->output + (int64_t)x * 16, most);
    }
}

OREPA_INLINE void average_blocks(const orepa_average_pool_call *call, int32_t first, const int blocks)
{
    const float *input = call->input + first * call->input_plane;
    v16 sum[4];
    OREPA_UNROLL for (int b = 0; b < blocks; b++)
        sum[b] = call->goes_on ? v16_load(call->output + (first + b) * call->output_plane) : v16_all(0);
    for (int32_t y = 0; y < call->height; y++)
        for (int32_t x = 0; x < call->width; x++)
            OREPA_UNROLL for (int b = 0; b < blocks; b++)
                sum[b] += v16_load(input + b * call->input_plane + y * call->input_row + (int64_t)x * 16);
    const v16 count = v16_all(call->count);
    OREPA_UNROLL for (int b = 0; b < blocks; b++)
        v16_store(call->output + (first + b) * call->output_plane, sum[b] / count);
}

OREPA_INLINE void average_pool(const orepa_average_pool_call *call)
{
    int32_t block = 0;
    for (; block + 4 <= call->blocks; block += 4) average_blocks(call, block, 4);
    for (; block < call->blocks; block++) average_blocks(call, block, 1);
}

#define OREPA_POOLING_KERNELS(isa) \
    void orepa_f32_max_pool_row__##isa(const orepa_max_pool_call *call) { max_pool(call); } \
    void orepa_f32_average_pool__##isa(const orepa_average_pool_call *call) { average_pool(call); }
