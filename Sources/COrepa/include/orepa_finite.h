/* Looks for NaN and infinity. For the library itself: not installed, not exported. */
#ifndef OREPA_FINITE_H
#define OREPA_FINITE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether none of the values is NaN or infinite. Takes about as long as reading them and raises no floating-point
 * exception. */
bool orepa_all_finite(const float *values, size_t count);

#endif
