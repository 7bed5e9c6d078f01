// What a program that embeds the library may do and Swift cannot: fork, change how its threads calculate and where
// they may run.
#ifndef C_HOST_CALLS_H
#define C_HOST_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

pid_t orepa_host_fork(void);

// The process may start so many threads more; then each is refused, as under RLIMIT_NPROC, which root is not held to.
void orepa_host_allow_threads(int count);

// The calling thread's floating point control register (MXCSR or FPCR), with its flags where it holds them.
uint64_t orepa_host_arithmetic(void);

void orepa_host_set_arithmetic(uint64_t control);

// A control word with denormal numbers read and written as zeros and with rounding up.
uint64_t orepa_host_unusual_arithmetic(void);

// What C knows of how the calling thread calculates.
typedef struct orepa_host_environment {
    int rounding;
    int traps;
    int flags;
    uint32_t vector_control;
} orepa_host_environment;

// Rounds in the way `mode`, 0 to 3: to nearest, down, up, to zero. Traps for every exception where `traps`; otherwise
// underflow has been raised.
void orepa_host_set_environment(int mode, bool traps);

orepa_host_environment orepa_host_get_environment(void);

// Sets what a process begins with.
void orepa_host_reset_environment(void);

// Calls `body` on a thread with a stack of that many bytes. False when the system refuses the thread.
bool orepa_host_call_on_stack(size_t stack_size, void (*body)(void *context), void *context);

// Calls `body` again and again on a thread, which is cancelled by pthread_cancel after that many microseconds. Whether it
// has ended by that.
bool orepa_host_cancel_thread(unsigned microseconds, void (*body)(void *context), void *context);

// The processors that the calling thread may run on, a bit for each: bytes written, or negative.
long orepa_host_allowed_processors(uint8_t *mask, size_t size);

// Whether the system lets the calling thread run on these alone.
bool orepa_host_allow_processors(const uint8_t *mask, size_t size);

#endif
