// A correctly rounded a * b + c of floats without FMA instructions. Included by vector.h.
//
// The product is exact in double precision. Rounding the sum to odd (S. Boldo, G. Melquiond, "Emulation of
// a FMA and correctly-rounded sums: proved algorithms using rounding to odd", 2008) makes the second
// rounding, to float, the only one that counts: where the sum in double is not exact and its last bit is
// even, its neighbour on the side of the error is taken, whose last bit is odd.
typedef double v4d __attribute__((ext_vector_type(4)));
typedef int64_t v4i __attribute__((ext_vector_type(4)));

static __attribute__((noinline, unused)) v16 orepa_software_fma(v16 a, v16 b, v16 c)
{
    v16 result;
    for (int i = 0; i < 16; i += 4) {
        const v4d x = {a[i], a[i + 1], a[i + 2], a[i + 3]}, y = {b[i], b[i + 1], b[i + 2], b[i + 3]};
        const v4d term = {c[i], c[i + 1], c[i + 2], c[i + 3]};
        const v4d product = x * y;
        v4d sum = product + term;
        // The error of the addition; NaN where something is infinite, which then counts as exact.
        const v4d part = sum - product;
        const v4d error = (product - (sum - part)) + (term - part);
        const v4i inexact = (error > 0) | (error < 0);
        const v4i away = ((error > 0) == (sum > 0)) & inexact;
        v4i bits;
        __builtin_memcpy(&bits, &sum, sizeof bits);
        bits += inexact & ((bits & 1) - 1) & (-2 * away - 1);
        __builtin_memcpy(&sum, &bits, sizeof bits);
        for (int lane = 0; lane < 4; lane++) result[i + lane] = (float)sum[lane];
    }
    return result;
}
