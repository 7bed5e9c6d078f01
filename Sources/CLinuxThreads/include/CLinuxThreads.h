// What the threads of a pool need of Linux and of the processor, and Swift cannot say.
#ifndef C_LINUX_THREADS_H
#define C_LINUX_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "orepa_arithmetic.h"
#include "orepa_memory.h"

// Sleeps while `*word` is `expected`, at most `nanoseconds` (negative: no limit), until orepa_futex_wake, or
// for less: the caller looks at the word again. Threads of one process only. Keeps errno.
void orepa_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds);

// Wakes all threads that sleep on `word`. Keeps errno.
void orepa_futex_wake(const uint32_t *word);

// Wakes one of the threads that sleep on `word`. Keeps errno.
void orepa_futex_wake_one(const uint32_t *word);

// How often orepa_bell_ring has been called in this process: what a thread that looks after calls which wait has heard.
uint32_t orepa_bell_count(void);

// Counts, and wakes those that wait. Takes no lock and no memory: a signal handler may call it. Keeps errno.
void orepa_bell_ring(void);

// Sleeps while the count is `heard`, at most `nanoseconds` (negative: no limit), or for less. Keeps errno.
void orepa_bell_wait(uint32_t heard, int64_t nanoseconds);

// Number of the processor that the calling thread is on.
int32_t orepa_current_processor(void);

// Moves the calling thread from this processor to another one that it may run on. It may come back any time: which
// processors it may run on stays as it was. False, and nothing changed, if there is no other one or the system refuses.
bool orepa_leave_processor(int32_t processor);

// Tells the processor that this is a loop that waits.
static inline void orepa_spin_hint(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#endif
