#include "png_filter.h"

#include <string.h>

/* A pixel's bytes side by side: what depends on the pixel before cannot be computed for several pixels at a time. */
typedef int16_t lanes __attribute__((vector_size(16)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));

static inline lanes load(const uint8_t *bytes) {
    bytes8 value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_convertvector(value, lanes);
}

static inline void store(uint8_t *bytes, lanes value, size_t pixel) {
    const bytes8 narrow = __builtin_convertvector(value & 255, bytes8);
    memcpy(bytes, &narrow, pixel);
}

static inline lanes absolute(lanes value) {
    const lanes sign = value >> 15;
    return (value ^ sign) - sign;
}

static inline lanes choose(lanes mask, lanes yes, lanes no) { return (mask & yes) | (~mask & no); }

/* The pixel before `start`, which is zero for the first one. */
static inline lanes before(const uint8_t *row, size_t start, size_t pixel) {
    const lanes zero = {0};
    return start == 0 ? zero : load(row + start - pixel);
}

static inline __attribute__((always_inline)) void average(uint8_t *row, const uint8_t *above,
                                                          size_t start, size_t end,
                                                          const size_t pixel) {
    lanes left = before(row, start, pixel);
    for (size_t i = start; i + pixel <= end; i += pixel) {
        left = (load(row + i) + ((left + load(above + i)) >> 1)) & 255;
        store(row + i, left, pixel);
    }
}

static inline __attribute__((always_inline)) void paeth(uint8_t *row, const uint8_t *above,
                                                        size_t start, size_t end,
                                                        const size_t pixel) {
    lanes a = before(row, start, pixel);
    lanes c = before(above, start, pixel);
    for (size_t i = start; i + pixel <= end; i += pixel) {
        const lanes b = load(above + i);
        const lanes toward_b = b - c;
        const lanes toward_a = a - c;
        const lanes pa = absolute(toward_b);
        const lanes pb = absolute(toward_a);
        const lanes pc = absolute(toward_a + toward_b);
        const lanes predictor = choose((pa <= pb) & (pa <= pc), a, choose(pb <= pc, b, c));
        a = (load(row + i) + predictor) & 255;
        c = b;
        store(row + i, a, pixel);
    }
}

static inline __attribute__((always_inline)) void subtract(uint8_t *row, size_t start, size_t end,
                                                           const size_t pixel) {
    lanes left = before(row, start, pixel);
    for (size_t i = start; i + pixel <= end; i += pixel) {
        left = (load(row + i) + left) & 255;
        store(row + i, left, pixel);
    }
}

/* Calls with the number of bytes as a constant, so that a pixel is one store. Rows are whole pixels. */
#define FOR_PIXEL(call)                 \
    switch (pixel) {                    \
        case 1: call(1); break;         \
        case 2: call(2); break;         \
        case 3: call(3); break;         \
        case 4: call(4); break;         \
        case 6: call(6); break;         \
        default: call(8); break;        \
    }

bool orepa_png_unfilter(unsigned filter, uint8_t *row, const uint8_t *above, size_t start,
                        size_t end, size_t pixel) {
    switch (filter) {
        case 0: return true;
        case 1:
#define CALL(size) subtract(row, start, end, size)
            FOR_PIXEL(CALL)
#undef CALL
            return true;
        case 2:
            for (size_t i = start; i < end; i++) row[i] = (uint8_t)(row[i] + above[i]);
            return true;
        case 3:
#define CALL(size) average(row, above, start, end, size)
            FOR_PIXEL(CALL)
#undef CALL
            return true;
        case 4:
#define CALL(size) paeth(row, above, start, end, size)
            FOR_PIXEL(CALL)
#undef CALL
            return true;
        default: return false;
    }
}
