// Numbers that many need, and small integer arithmetic.
#ifndef OREPA_NUMBERS_H
#define OREPA_NUMBERS_H

#include <stdint.h>

// Bytes.
enum { OREPA_CACHE_LINE = 64 };

static inline int32_t orepa_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t orepa_max(int32_t a, int32_t b) { return a > b ? a : b; }

// a / b rounded up, for a >= 0 and b > 0.
static inline int32_t orepa_divide_up(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a + b - 1) / b);
}

#endif
