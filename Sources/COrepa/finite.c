#include "orepa_finite.h"

#include <stdint.h>
#include <string.h>

bool orepa_all_finite(const float *values, size_t count)
{
    // The exponent of NaN and infinity is all ones, so that adding one at its lowest bit carries into the sign. Without
    // a branch for each value the loop becomes SIMD code.
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        found |= (bits & 0x7f800000u) + 0x00800000u;
    }
    return (found & 0x80000000u) == 0;
}
