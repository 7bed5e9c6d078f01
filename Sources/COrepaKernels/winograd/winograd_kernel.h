// The bodies of the Winograd transforms. Include inside the file's target attribute.
//
// B and A are the Toom-Cook matrices of F(m,3), or F(m,2), for the first m + 1, or m, of the points 0, 1, -1,
// 2, -2, and infinity; each row of B carries the factor that turns the weights of F(m) into those of F(4).
#include "../lanes.h"

// Input pixels of a tile of m outputs, and as many entries.
#define OREPA_WINOGRAD_SLOTS(stride, m) ((stride) == 1 ? (m) + 2 : 2 * (m) + 1)

// The kind of entry k, and which of the tile's entries of this kind it is. Points come first, infinity as the
// last of them, then odd pixels.
#define OREPA_WINOGRAD_KIND(stride, m, k) \
    ((stride) == 1 ? ((k) == (m) + 1 ? 5 : (k)) : (k) < (m) ? (k) : (k) == (m) ? 4 : OREPA_WINOGRAD_ODD)
#define OREPA_WINOGRAD_ENTRY(stride, m, k) ((stride) == 1 || (k) <= (m) ? 0 : (k) - (m) - 1)

// d[0], d[s], ... (m + 2 pixels) to the m + 2 points, in place.
OREPA_INLINE void input_stride1(lanes *d, const int s, const int m)
{
    const lanes d0 = d[0], d1 = d[s], d2 = d[2 * s];
    if (m == 1) {
        d[0] = lanes_all(4) * (d0 - d1);
        d[s] = lanes_all(-6) * d1;
        d[2 * s] = d2 - d1;
        return;
    }
    const lanes d3 = d[3 * s];
    if (m == 2) {
        d[0] = lanes_all(4) * (d0 - d2);
        d[s] = lanes_all(-3) * (d2 + d1);
        d[2 * s] = lanes_all(-3) * (d2 - d1);
        d[3 * s] = d3 - d1;
        return;
    }
    const lanes d4 = d[4 * s], outer = d3 - d1;
    if (m == 3) {
        d[0] = lanes_all(2) * lanes_fma(lanes_all(2), d0 - d2, outer);
        d[s] = lanes_all(3) * lanes_fma(lanes_all(-2), d1, d3 - d2);
        d[2 * s] = lanes_fma(lanes_all(2), d1, lanes_fma(lanes_all(-3), d2, d3));
        d[3 * s] = lanes_all(4) * outer;
        d[4 * s] = lanes_fma(lanes_all(-2), outer, d4 - d2);
        return;
    }
    const lanes d5 = d[5 * s], inner = d4 - d2;
    const lanes even = lanes_fma(lanes_all(-4), d2, d4), odd = lanes_fma(lanes_all(-4), d1, d3);
    d[0] = lanes_fma(lanes_all(4), d0, lanes_fma(lanes_all(-5), d2, d4));
    d[s] = even + odd;
    d[2 * s] = even - odd;
    d[3 * s] = lanes_fma(lanes_all(2), outer, inner);
    d[4 * s] = lanes_fma(lanes_all(-2), outer, inner);
    d[5 * s] = lanes_fma(lanes_all(4), d1, lanes_fma(lanes_all(-5), d3, d5));
}

// p[0], p[s], ... (m + 2 points) to m outputs, in place.
OREPA_INLINE void output_stride1(lanes *p, const int s, const int m)
{
    const lanes p0 = p[0], p1 = p[s], p2 = p[2 * s];
    if (m == 1) {
        p[0] = (p0 + p1) + p2;
        return;
    }
    const lanes p3 = p[3 * s], sum = p1 + p2, difference = p1 - p2;
    if (m == 2) {
        p[0] = p0 + sum;
        p[s] = difference + p3;
        return;
    }
    const lanes p4 = p[4 * s];
    if (m == 3) {
        p[0] = (p0 + sum) + p3;
        p[s] = lanes_fma(lanes_all(2), p3, difference);
        p[2 * s] = lanes_fma(lanes_all(4), p3, sum) + p4;
        return;
    }
    const lanes p5 = p[5 * s], sum2 = p3 + p4, difference2 = p3 - p4;
    p[0] = (p0 + sum) + sum2;
    p[s] = lanes_fma(lanes_all(2), difference2, difference);
    p[2 * s] = lanes_fma(lanes_all(4), sum2, sum);
    p[3 * s] = lanes_fma(lanes_all(8), difference2, difference) + p5;
}

// d[0], d[s], ... (2 m + 1 pixels) to the m + 1 points of the even ones and the m odd ones, in place.
OREPA_INLINE void input_stride2(lanes *d, const int s, const int m)
{
    const lanes e0 = d[0], o0 = d[s], e1 = d[2 * s];
    if (m == 1) {
        d[0] = lanes_all(2) * e0;
        d[s] = e1;
        d[2 * s] = o0;
        return;
    }
    const lanes o1 = d[3 * s], e2 = d[4 * s];
    if (m == 2) {
        d[0] = lanes_all(2) * (e0 - e1);
        d[s] = lanes_all(-2) * e1;
        d[2 * s] = e2 - e1;
        d[3 * s] = o0;
        d[4 * s] = o1;
        return;
    }
    const lanes o2 = d[5 * s], e3 = d[6 * s], outer = e3 - e1;
    if (m == 3) {
        d[0] = lanes_all(2) * (e0 - e2);
        d[s] = -(e2 + e1);
        d[2 * s] = lanes_all(-3) * (e2 - e1);
        d[3 * s] = outer;
        d[4 * s] = o0;
        d[5 * s] = o1;
        d[6 * s] = o2;
        return;
    }
    const lanes o3 = d[7 * s], e4 = d[8 * s];
    d[0] = lanes_fma(lanes_all(-2), e2 - e0, outer);
    d[s] = lanes_fma(lanes_all(-2), e1, e3 - e2);
    d[2 * s] = lanes_fma(lanes_all(2), e1, lanes_fma(lanes_all(-3), e2, e3));
    d[3 * s] = outer;
    d[4 * s] = lanes_fma(lanes_all(-2), outer, e4 - e2);
    d[5 * s] = o0;
    d[6 * s] = o1;
    d[7 * s] = o2;
    d[8 * s] = o3;
}

// p[0], p[s], ... (m + 1 points, m odd products) to m outputs, in place.
OREPA_INLINE void output_stride2(lanes *p, const int s, const int m)
{
    const lanes p0 = p[0], p1 = p[s], *odd = p + (m + 1) * s;
    if (m == 1) {
        p[0] = (p0 + p1) + odd[0];
        return;
    }
    const lanes p2 = p[2 * s];
    if (m == 2) {
        p[0] = (p0 + p1) + odd[0];
        p[s] = (p1 + p2) + odd[s];
        return;
    }
    const lanes p3 = p[3 * s], sum = p1 + p2, difference = p1 - p2;
    if (m == 3) {
        p[0] = (p0 + sum) + odd[0];
        p[s] = difference + odd[s];
        p[2 * s] = (sum + p3) + odd[2 * s];
        return;
    }
    const lanes p4 = p[4 * s];
    p[0] = ((p0 + sum) + p3) + odd[0];
    p[s] = lanes_fma(lanes_all(2), p3, difference) + odd[s];
    p[2 * s] = lanes_fma(lanes_all(4), p3, sum) + odd[2 * s];
    p[3 * s] = (lanes_fma(lanes_all(8), p3, difference) + p4) + odd[3 * s];
}

OREPA_INLINE void input_line(lanes *d, const int s, const int stride, const int m)
{
    if (stride == 1) input_stride1(d, s, m);
    else input_stride2(d, s, m);
}

OREPA_INLINE void output_line(lanes *p, const int s, const int stride, const int m)
{
    if (stride == 1) output_stride1(p, s, m);
    else output_stride2(p, s, m);
}

// The most slots of a tile.
enum { OREPA_WINOGRAD_MOST_SLOTS = 9 };

// Where entry (y, x) of a tile lies; `tile` is the tile's number and `pixel` its first output column.
#define OREPA_WINOGRAD_PLACE(call, stride, rows, columns, y, x, tile, pixel) \
    ((call)->position \
         [OREPA_WINOGRAD_KIND(stride, rows, y) * OREPA_WINOGRAD_KINDS + OREPA_WINOGRAD_KIND(stride, columns, x)] \
     + OREPA_WINOGRAD_ENTRY(stride, rows, y) * (call)->entry_row[OREPA_WINOGRAD_KIND(stride, columns, x)] \
     + ((stride) == 2 && OREPA_WINOGRAD_KIND(stride, columns, x) == OREPA_WINOGRAD_ODD \
            ? (pixel) + OREPA_WINOGRAD_ENTRY(stride, columns, x) : (tile)) * 16)

OREPA_INLINE void input_tile(
    const orepa_winograd_input_call *call, const int stride, int64_t tile, int64_t pixel, int64_t lane,
    const int rows, const int columns)
{
    lanes d[OREPA_WINOGRAD_MOST_SLOTS * OREPA_WINOGRAD_MOST_SLOTS];
    const float *input = call->input + pixel * stride * 16 + lane;
    OREPA_UNROLL for (int y = 0; y < OREPA_WINOGRAD_SLOTS(stride, rows); y++) {
        OREPA_UNROLL for (int x = 0; x < OREPA_WINOGRAD_SLOTS(stride, columns); x++)
            d[y * OREPA_WINOGRAD_MOST_SLOTS + x] = lanes_load(input + y * call->input_row + x * 16);
        input_line(d + y * OREPA_WINOGRAD_MOST_SLOTS, 1, stride, columns);
    }
    OREPA_UNROLL for (int x = 0; x < OREPA_WINOGRAD_SLOTS(stride, columns); x++) {
        input_line(d + x, OREPA_WINOGRAD_MOST_SLOTS, stride, rows);
        OREPA_UNROLL for (int y = 0; y < OREPA_WINOGRAD_SLOTS(stride, rows); y++)
            lanes_store(
                OREPA_WINOGRAD_PLACE(call, stride, rows, columns, y, x, tile, pixel) + lane,
                d[y * OREPA_WINOGRAD_MOST_SLOTS + x]);
    }
}

OREPA_INLINE void output_tile(
    const orepa_winograd_output_call *call, const int stride, int64_t tile, int64_t pixel, int64_t lane,
    const int rows, const int columns)
{
    lanes p[OREPA_WINOGRAD_MOST_SLOTS * OREPA_WINOGRAD_MOST_SLOTS];
    OREPA_UNROLL for (int x = 0; x < OREPA_WINOGRAD_SLOTS(stride, columns); x++) {
        OREPA_UNROLL for (int y = 0; y < OREPA_WINOGRAD_SLOTS(stride, rows); y++)
            p[y * OREPA_WINOGRAD_MOST_SLOTS + x] =
                lanes_load(OREPA_WINOGRAD_PLACE(call, stride, rows, columns, y, x, tile, pixel) + lane);
        output_line(p + x, OREPA_WINOGRAD_MOST_SLOTS, stride, rows);
    }
    const lanes bias = lanes_load(call->bias + lane);
    OREPA_UNROLL for (int y = 0; y < rows; y++) {
        output_line(p + y * OREPA_WINOGRAD_MOST_SLOTS, 1, stride, columns);
        OREPA_UNROLL for (int x = 0; x < columns; x++) {
            lanes value = p[y * OREPA_WINOGRAD_MOST_SLOTS + x] + bias;
            if (call->residual)
                value += lanes_load(call->residual + y * call->residual_row + (pixel + x) * 16 + lane);
            if (call->relu) value = lanes_relu(value);
            lanes_store(call->output + y * call->output_row + (pixel + x) * 16 + lane, value);
        }
    }
}

// A row of tiles, larger ones first.
#define OREPA_WINOGRAD_TILES(function, stride, rows, m) \
    for (int32_t t = 0; t < call->columns.count[m]; t++, tile++, pixel += (m)) \
        for (int64_t lane = 0; lane < 16; lane += OREPA_LANES) \
            function(call, stride, tile, pixel, lane, rows, m);
#define OREPA_WINOGRAD_ROW(function, stride, rows) \
    case rows: \
        OREPA_WINOGRAD_TILES(function, stride, rows, 4) OREPA_WINOGRAD_TILES(function, stride, rows, 3) \
        OREPA_WINOGRAD_TILES(function, stride, rows, 2) OREPA_WINOGRAD_TILES(function, stride, rows, 1) return;
#define OREPA_WINOGRAD_KERNEL(direction, stride, isa) \
    void orepa_f32_winograd_##direction##_stride##stride##__##isa( \
        const orepa_winograd_##direction##_call *call) \
    { \
        int64_t tile = 0, pixel = 0; \
        OREPA_ASSERT(1 <= call->height && call->height <= OREPA_WINOGRAD_LARGEST); \
        OREPA_ASSERT(OREPA_IS_ALIGNED(call->direction) && OREPA_IS_ALIGNED(call->position[0])); \
        switch (call->height) { \
            OREPA_WINOGRAD_ROW(direction##_tile, stride, 4) OREPA_WINOGRAD_ROW(direction##_tile, stride, 3) \
            OREPA_WINOGRAD_ROW(direction##_tile, stride, 2) OREPA_WINOGRAD_ROW(direction##_tile, stride, 1) \
        } \
    }

#define OREPA_WINOGRAD_KERNELS(isa) \
    OREPA_WINOGRAD_KERNEL(input, 1, isa) \
    OREPA_WINOGRAD_KERNEL(output, 1, isa) \
    OREPA_WINOGRAD_KERNEL(input, 2, isa) \
    OREPA_WINOGRAD_KERNEL(output, 2, isa)
