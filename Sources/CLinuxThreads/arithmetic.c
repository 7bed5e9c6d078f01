#include "orepa_arithmetic.h"

// The control registers are read and written as the compiler expects of a function that it cannot see into: no
// arithmetic moves across the call.
#if defined(__x86_64__)
enum {
    STANDARD_MXCSR = 0x1f80,
    STANDARD_X87 = 0x037f,
    // Exceptions that were raised, and that one of them is to trap.
    X87_FLAGS = 0x00ff,
};

// What FNSTENV stores and FLDENV loads.
typedef struct x87_environment {
    uint16_t control, reserved1, status, reserved2, tags, reserved3;
    uint32_t addresses[4];
} x87_environment;

// None of these instructions waits, that is, traps for an exception that an earlier one has raised: only FLDCW does,
// behind FNCLEX, which leaves none.
static inline uint16_t x87_control(void)
{
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

static inline uint16_t x87_status(void)
{
    uint16_t status;
    __asm__ volatile("fnstsw %0" : "=a"(status));
    return status;
}

orepa_arithmetic orepa_set_standard_arithmetic(void)
{
    const orepa_arithmetic found = {__builtin_ia32_stmxcsr(), x87_control(), x87_status()};
    if (found.control != STANDARD_MXCSR) __builtin_ia32_ldmxcsr(STANDARD_MXCSR);
    if (found.x87_control != STANDARD_X87) {
        const uint16_t standard = STANDARD_X87;
        __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(standard));
    }
    return found;
}

void orepa_restore_arithmetic(orepa_arithmetic arithmetic)
{
    if (__builtin_ia32_stmxcsr() != arithmetic.control) __builtin_ia32_ldmxcsr((unsigned)arithmetic.control);
    if (x87_control() != arithmetic.x87_control
        || ((x87_status() ^ arithmetic.x87_status) & X87_FLAGS) != 0) {
        x87_environment environment;
        __asm__ volatile("fnstenv %0" : "=m"(environment));
        environment.control = arithmetic.x87_control;
        environment.status = (uint16_t)((environment.status & ~X87_FLAGS) | (arithmetic.x87_status & X87_FLAGS));
        __asm__ volatile("fldenv %0" : : "m"(environment));
    }
}
#elif defined(__aarch64__)
orepa_arithmetic orepa_set_standard_arithmetic(void)
{
    uint64_t control, status;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(status));
    if (control != 0) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return (orepa_arithmetic){control | status << 32, 0, 0};
}

void orepa_restore_arithmetic(orepa_arithmetic arithmetic)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(arithmetic.control & 0xffffffff));
    __asm__ volatile("msr fpsr, %0" : : "r"(arithmetic.control >> 32));
}
#else
orepa_arithmetic orepa_set_standard_arithmetic(void) { return (orepa_arithmetic){0, 0, 0}; }
void orepa_restore_arithmetic(orepa_arithmetic arithmetic) { (void)arithmetic; }
#endif
