// The lanes of a block of 16 channels that a kernel's body works on together, for bodies that treat all lanes
// alike. A file defines OREPA_LANES as 8 before including this where 16 lanes are two registers and the body needs
// more of them than there are; the body then runs once for each half.
#ifndef OREPA_LANES_H
#define OREPA_LANES_H

#include "vector.h"

#ifndef OREPA_LANES
#define OREPA_LANES 16
#endif
typedef float lanes __attribute__((ext_vector_type(OREPA_LANES)));

// The address is aligned to the size of the lanes.
OREPA_INLINE lanes lanes_load(const float *from) { return *(const lanes *)from; }
OREPA_INLINE void lanes_store(float *to, lanes value) { *(lanes *)to = value; }

OREPA_INLINE lanes lanes_all(float value) { return (lanes)value; }

#if OREPA_FMA_IN_SOFTWARE
OREPA_INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { return v16_fma(a, b, c); }
#else
OREPA_INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { return __builtin_elementwise_fma(a, b, c); }
#endif

OREPA_INLINE lanes lanes_relu(lanes x) { return x < lanes_all(0) ? lanes_all(0) : x; }

#endif
