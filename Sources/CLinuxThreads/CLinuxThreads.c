#define _GNU_SOURCE
#include "CLinuxThreads.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void orepa_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds)
{
    const int error = errno;
    const struct timespec limit = {
        .tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nanoseconds < 0 ? NULL : &limit, NULL, 0);
    errno = error;
}

void orepa_futex_wake(const uint32_t *word)
{
    const int error = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = error;
}

void orepa_futex_wake_one(const uint32_t *word)
{
    const int error = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = error;
}

static _Atomic uint32_t bell_count;
static _Atomic uint32_t bell_waiters;

uint32_t orepa_bell_count(void) { return bell_count; }

// Who waits counts itself before the kernel compares the word, so that either the new count is seen there or the waiter
// here.
void orepa_bell_ring(void)
{
    bell_count++;
    if (bell_waiters != 0) orepa_futex_wake((const uint32_t *)&bell_count);
}

void orepa_bell_wait(uint32_t heard, int64_t nanoseconds)
{
    bell_waiters++;
    orepa_futex_wait((const uint32_t *)&bell_count, heard, nanoseconds);
    bell_waiters--;
}

int32_t orepa_current_processor(void) { return sched_getcpu(); }

// What a thread asks for outlasts later changes of its cpuset, so where it had asked for nothing it ends by asking for
// every processor there may be, and only else for those that it could run on.
bool orepa_leave_processor(int32_t processor)
{
    enum { WORDS = 1024, BITS = 8 * sizeof(unsigned long) };   // 65,536 processors
    unsigned long allowed[WORDS], mask[WORDS], any = 0;
    const int error = errno;
    bool left = false;
    const long size = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    if (processor >= 0 && size > processor / 8) {
        memcpy(mask, allowed, (size_t)size);
        mask[processor / BITS] &= ~(1ul << processor % BITS);
        for (size_t i = 0; i < (size_t)size / sizeof *mask; i++) any |= mask[i];
        left = any && syscall(SYS_sched_setaffinity, 0, size, mask) == 0;
    }
    if (left) {
        memset(mask, 0xff, sizeof mask);
        syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
        syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
        if (memcmp(mask, allowed, (size_t)size) != 0) syscall(SYS_sched_setaffinity, 0, size, allowed);
    }
    errno = error;
    return left;
}
