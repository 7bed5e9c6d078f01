// How a thread calculates: its rounding mode, what it does with denormal numbers, which exceptions trap and which have
// been raised.
#ifndef OREPA_ARITHMETIC_H
#define OREPA_ARITHMETIC_H

#include <stdint.h>

// A thread's settings and flags. On x86 of both units, since C libraries ask the older one (x87) for the rounding mode
// when they read a number.
typedef struct orepa_arithmetic {
    // MXCSR, or FPCR and FPSR.
    uint64_t control;
    // The x87 unit's control and status words.
    uint16_t x87_control;
    uint16_t x87_status;
} orepa_arithmetic;

// Sets the calling thread's arithmetic to what IEEE 754 and every new process begins with, and returns what it was:
// rounding to nearest, denormal numbers as they are, no traps.
orepa_arithmetic orepa_set_standard_arithmetic(void);

// Sets the calling thread's arithmetic back to what orepa_set_standard_arithmetic returned, flags included.
void orepa_restore_arithmetic(orepa_arithmetic arithmetic);

#endif
