// Linux system calls that Swift cannot make, since they have no function or a variadic one in the C library.
#ifndef C_FUTEX_H
#define C_FUTEX_H

#include <stdint.h>

// Sleeps while `*word` is `expected`, at most `nanoseconds` (negative: no limit), until orepa_futex_wake, or
// for less: the caller looks at the word again. Threads of one process only. Keeps errno.
void orepa_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds);

// Wakes all threads that sleep on `word`. Keeps errno.
void orepa_futex_wake(const uint32_t *word);

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
