// What a caller owes a kernel, checked where C is compiled without optimisation, or with OREPA_ASSERTS as 1.
#ifndef OREPA_ASSERTION_H
#define OREPA_ASSERTION_H

#include <stdint.h>

// SwiftPM defines no NDEBUG: a release build is one that is optimised.
#ifndef OREPA_ASSERTS
#ifdef __OPTIMIZE__
#define OREPA_ASSERTS 0
#else
#define OREPA_ASSERTS 1
#endif
#endif

#if OREPA_ASSERTS
#undef NDEBUG
#include <assert.h>
#define OREPA_ASSERT(condition) assert(condition)
#else
#define OREPA_ASSERT(condition) ((void)0)
#endif

#define OREPA_IS_ALIGNED(pointer) ((uintptr_t)(pointer) % 64 == 0)

#endif
