#define _GNU_SOURCE
#include "CHostCalls.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

// How many threads the system still starts.
static atomic_int allowed = 1 << 30;

void orepa_host_allow_threads(int count) { atomic_store(&allowed, count); }

// ThreadSanitizer has a pthread_create of its own, without which it does not work.
#if !__has_feature(thread_sanitizer)
int pthread_create(
    pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
    void *restrict argument)
{
    typedef int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    create next = (create)dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_fetch_sub(&allowed, 1) <= 0)
        return EAGAIN;
    return next(thread, attributes, start, argument);
}
#endif
