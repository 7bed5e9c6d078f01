// The body of the kernels that transform weights. Include inside the file's target attribute.
//
// Everything is in double precision, and each step is one correctly rounded operation, so the bits are the
// same everywhere; a division by a power of two is exact wherever it stands.
#include "../vector.h"

typedef double v16d __attribute__((ext_vector_type(16)));

// The six kinds of a line of three weights: the values of g0 + g1 x + g2 x^2 (stride 2: g0 + g2 x) at the
// points of F(4), over the product of differences to the other points that interpolation divides by.
OREPA_INLINE void weight_kinds(v16d kinds[OREPA_WINOGRAD_KINDS], const v16d g[3], const int stride)
{
    if (stride == 2) {
        kinds[0] = g[0] * 0.5;
        kinds[1] = -(g[0] + g[2]) * 0.5;
        kinds[2] = (g[2] - g[0]) / 6;
        kinds[3] = (g[0] + 2 * g[2]) / 6;
        kinds[4] = g[2];
        kinds[OREPA_WINOGRAD_ODD] = g[1];
        return;
    }
    const v16d even = (g[0] + g[2]) / 6, odd = g[1] / 6;
    const v16d even2 = (g[0] + 4 * g[2]) / 6 * 0.25, odd2 = odd * 0.5;
    kinds[0] = g[0] * 0.25;
    kinds[1] = -even - odd;
    kinds[2] = odd - even;
    kinds[3] = even2 + odd2;
    kinds[4] = even2 - odd2;
    kinds[5] = g[2];
}

OREPA_INLINE void pack_block(const orepa_winograd_pack_call *call, const int stride)
{
    enum { CHANNELS = 8 };   // at a time
    OREPA_ASSERT(1 <= call->lanes && call->lanes <= 16);
    _Alignas(64) float kernels[CHANNELS * 9][16] = {0};
    for (int32_t first = 0; first < call->channels; first += CHANNELS) {
        const int32_t count = call->channels - first < CHANNELS ? call->channels - first : CHANNELS;
        for (int32_t lane = 0; lane < call->lanes; lane++) {
            const float *from = call->weights + lane * call->lane_step + (int64_t)first * 9;
            for (int32_t i = 0; i < count * 9; i++) kernels[i][lane] = from[i];
        }
        for (int32_t c = 0; c < count; c++) {
            v16d rows[3][OREPA_WINOGRAD_KINDS];
            OREPA_UNROLL for (int x = 0; x < 3; x++) {
                v16d column[3];
                OREPA_UNROLL for (int y = 0; y < 3; y++)
                    column[y] = __builtin_convertvector(v16_load(kernels[c * 9 + y * 3 + x]), v16d);
                weight_kinds(rows[x], column, stride);
            }
            OREPA_UNROLL for (int i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
                const v16d line[3] = {rows[0][i], rows[1][i], rows[2][i]};
                v16d kinds[OREPA_WINOGRAD_KINDS];
                weight_kinds(kinds, line, stride);
                OREPA_UNROLL for (int j = 0; j < OREPA_WINOGRAD_KINDS; j++) {
                    const int q = i * OREPA_WINOGRAD_KINDS + j;
                    if (call->position[q])
                        v16_store(
                            call->position[q] + (int64_t)(first + c) * call->step[q],
                            __builtin_convertvector(kinds[j], v16));
                }
            }
        }
    }
}

#define OREPA_WINOGRAD_PACK_KERNELS(isa) \
    void orepa_f32_winograd_pack_stride1__##isa(const orepa_winograd_pack_call *call) { pack_block(call, 1); } \
    void orepa_f32_winograd_pack_stride2__##isa(const orepa_winograd_pack_call *call) { pack_block(call, 2); }
