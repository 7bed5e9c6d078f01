// Sixteen floats, in clang's vector extensions: one register on AVX-512, two on AVX2, four on NEON and
// SSE2. The same source gives the same bits on each: every operation is one correctly rounded step, and
// nothing is contracted or reassociated. A file for processors without FMA instructions defines
// OREPA_FMA_IN_SOFTWARE as 1 before including this.
#ifndef OREPA_VECTOR_H
#define OREPA_VECTOR_H

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

#include <stddef.h>
#include <stdint.h>

typedef float v16 __attribute__((ext_vector_type(16)));

#define OREPA_INLINE static inline __attribute__((always_inline))
// Before a loop over register tiles. A build under sanitizers defines it as nothing: their checks in unrolled
// bodies take minutes to compile. With a call for each FMA there are no registers to name, only size to save.
#ifndef OREPA_UNROLL
#if OREPA_FMA_IN_SOFTWARE
#define OREPA_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define OREPA_UNROLL _Pragma("clang loop unroll(full)")
#endif
#endif

// The address is aligned to 64 bytes.
OREPA_INLINE v16 v16_load(const float *from) { return *(const v16 *)from; }
OREPA_INLINE void v16_store(float *to, v16 value) { *(v16 *)to = value; }

typedef struct {
    v16 value;
} __attribute__((packed, aligned(4))) v16_unaligned;
OREPA_INLINE v16 v16_load_unaligned(const float *from) { return ((const v16_unaligned *)from)->value; }
OREPA_INLINE void v16_store_unaligned(float *to, v16 value) { ((v16_unaligned *)to)->value = value; }

OREPA_INLINE v16 v16_all(float value) { return (v16)value; }

// a * b + c, rounded once.
#if OREPA_FMA_IN_SOFTWARE
#include "software_fma.h"
OREPA_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return orepa_software_fma(a, b, c); }
#else
OREPA_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }
#endif

// max(0, x) that keeps NaN (one maxps: the comparison is false for NaN).
OREPA_INLINE v16 v16_relu(v16 x) { return x < v16_all(0) ? v16_all(0) : x; }

#endif
