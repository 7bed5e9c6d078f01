// The bodies of the Winograd transforms. Include inside the file's target attribute.
//
// B and A are the Toom-Cook matrices of F(m,3) for the points 0, 1, -1, 2, -2 (the first m + 1 of them) and
// infinity; each row of B carries the factor that turns F(m,3)'s weights into F(4,3)'s.
#include "../vector.h"

// The number of the k-th point that tiles of m outputs use: infinity is the last one.
#define POINT(m, k) ((k) == (m) + 1 ? OREPA_WINOGRAD_POINTS - 1 : (k))

// d[0], d[s], ... (m + 2 pixels) to the m + 2 points, in place.
OREPA_INLINE void input_points(v16 *d, const int s, const int m)
{
    const v16 d0 = d[0], d1 = d[s], d2 = d[2 * s];
    if (m == 1) {
        d[0] = v16_all(4) * (d0 - d1);
        d[s] = v16_all(-6) * d1;
        d[2 * s] = d2 - d1;
        return;
    }
    const v16 d3 = d[3 * s];
    if (m == 2) {
        d[0] = v16_all(4) * (d0 - d2);
        d[s] = v16_all(-3) * (d2 + d1);
        d[2 * s] = v16_all(-3) * (d2 - d1);
        d[3 * s] = d3 - d1;
        return;
    }
    const v16 d4 = d[4 * s], outer = d3 - d1;
    if (m == 3) {
        d[0] = v16_all(2) * v16_fma(v16_all(2), d0 - d2, outer);
        d[s] = v16_all(3) * v16_fma(v16_all(-2), d1, d3 - d2);
        d[2 * s] = v16_fma(v16_all(2), d1, v16_fma(v16_all(-3), d2, d3));
        d[3 * s] = v16_all(4) * outer;
        d[4 * s] = v16_fma(v16_all(-2), outer, d4 - d2);
        return;
    }
    const v16 d5 = d[5 * s], inner = d4 - d2;
    const v16 even = v16_fma(v16_all(-4), d2, d4), odd = v16_fma(v16_all(-4), d1, d3);
    d[0] = v16_fma(v16_all(4), d0, v16_fma(v16_all(-5), d2, d4));
    d[s] = even + odd;
    d[2 * s] = even - odd;
    d[3 * s] = v16_fma(v16_all(2), outer, inner);
    d[4 * s] = v16_fma(v16_all(-2), outer, inner);
    d[5 * s] = v16_fma(v16_all(4), d1, v16_fma(v16_all(-5), d3, d5));
}

// p[0], p[s], ... (m + 2 points) to m outputs, in place.
OREPA_INLINE void output_pixels(v16 *p, const int s, const int m)
{
    const v16 p0 = p[0], p1 = p[s], p2 = p[2 * s];
    if (m == 1) {
        p[0] = (p0 + p1) + p2;
        return;
    }
    const v16 p3 = p[3 * s], sum = p1 + p2, difference = p1 - p2;
    if (m == 2) {
        p[0] = p0 + sum;
        p[s] = difference + p3;
        return;
    }
    const v16 p4 = p[4 * s];
    if (m == 3) {
        p[0] = (p0 + sum) + p3;
        p[s] = v16_fma(v16_all(2), p3, difference);
        p[2 * s] = v16_fma(v16_all(4), p3, sum) + p4;
        return;
    }
    const v16 p5 = p[5 * s], sum2 = p3 + p4, difference2 = p3 - p4;
    p[0] = (p0 + sum) + sum2;
    p[s] = v16_fma(v16_all(2), difference2, difference);
    p[2 * s] = v16_fma(v16_all(4), sum2, sum);
    p[3 * s] = v16_fma(v16_all(8), difference2, difference) + p5;
}

OREPA_INLINE void input_tile(
    const orepa_winograd_input_call *call, const float *input, int64_t at, const int rows,
    const int columns)
{
    v16 d[OREPA_WINOGRAD_POSITIONS];
    OREPA_UNROLL for (int y = 0; y < rows + 2; y++) {
        OREPA_UNROLL for (int x = 0; x < columns + 2; x++)
            d[y * 6 + x] = v16_load(input + y * call->input_row + x * 16);
        input_points(d + y * 6, 1, columns);
    }
    OREPA_UNROLL for (int x = 0; x < columns + 2; x++) {
        input_points(d + x, 6, rows);
        OREPA_UNROLL for (int y = 0; y < rows + 2; y++)
            v16_store(call->position[POINT(rows, y) * 6 + POINT(columns, x)] + at, d[y * 6 + x]);
    }
}

OREPA_INLINE void output_tile(
    const orepa_winograd_output_call *call, int64_t pixel, int64_t at, const int rows,
    const int columns)
{
    v16 p[OREPA_WINOGRAD_POSITIONS];
    OREPA_UNROLL for (int x = 0; x < columns + 2; x++) {
        OREPA_UNROLL for (int y = 0; y < rows + 2; y++)
            p[y * 6 + x] = v16_load(call->position[POINT(rows, y) * 6 + POINT(columns, x)] + at);
        output_pixels(p + x, 6, rows);
    }
    const v16 bias = v16_load(call->bias);
    OREPA_UNROLL for (int y = 0; y < rows; y++) {
        output_pixels(p + y * 6, 1, columns);
        OREPA_UNROLL for (int x = 0; x < columns; x++) {
            v16 value = p[y * 6 + x] + bias;
            if (call->residual)
                value += v16_load(call->residual + y * call->residual_row + pixel + x * 16);
            if (call->relu) value = v16_relu(value);
            v16_store(call->output + y * call->output_row + pixel + x * 16, value);
        }
    }
}

OREPA_INLINE void input_row(const orepa_winograd_input_call *call, const int rows)
{
    const float *input = call->input;
    int64_t at = 0;
#define TILES(m) \
    for (int32_t t = 0; t < call->columns.count[m]; t++, at += 16, input += (m) * 16) \
        input_tile(call, input, at, rows, m);
    TILES(4) TILES(3) TILES(2) TILES(1)
#undef TILES
}

OREPA_INLINE void output_row(const orepa_winograd_output_call *call, const int rows)
{
    int64_t at = 0, pixel = 0;
#define TILES(m) \
    for (int32_t t = 0; t < call->columns.count[m]; t++, at += 16, pixel += (m) * 16) \
        output_tile(call, pixel, at, rows, m);
    TILES(4) TILES(3) TILES(2) TILES(1)
#undef TILES
}

#define WINOGRAD_KERNELS(isa) \
    void orepa_f32_winograd_input__##isa(const orepa_winograd_input_call *call) \
    { \
        switch (call->height) { \
        case 4: input_row(call, 4); return; \
        case 3: input_row(call, 3); return; \
        case 2: input_row(call, 2); return; \
        case 1: input_row(call, 1); return; \
        } \
    } \
    void orepa_f32_winograd_output__##isa(const orepa_winograd_output_call *call) \
    { \
        switch (call->height) { \
        case 4: output_row(call, 4); return; \
        case 3: output_row(call, 3); return; \
        case 2: output_row(call, 2); return; \
        case 1: output_row(call, 1); return; \
        } \
    }
