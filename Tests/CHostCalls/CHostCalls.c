#define _GNU_SOURCE
#include "CHostCalls.h"

#include <fenv.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t orepa_host_fork(void) { return fork(); }

long orepa_host_allowed_processors(uint8_t *mask, size_t size)
{
    return syscall(SYS_sched_getaffinity, 0, size, mask);
}

bool orepa_host_allow_processors(const uint8_t *mask, size_t size)
{
    return syscall(SYS_sched_setaffinity, 0, size, mask) == 0;
}

#if defined(__x86_64__)
uint64_t orepa_host_arithmetic(void) { return __builtin_ia32_stmxcsr(); }
void orepa_host_set_arithmetic(uint64_t control) { __builtin_ia32_ldmxcsr((unsigned)control); }
// Flush to zero, rounding up, all exceptions masked, denormals are zeros.
uint64_t orepa_host_unusual_arithmetic(void) { return 0x8000 | 0x4000 | 0x1f80 | 0x40; }
#elif defined(__aarch64__)
uint64_t orepa_host_arithmetic(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
void orepa_host_set_arithmetic(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
uint64_t orepa_host_unusual_arithmetic(void) { return 1u << 24 | 1u << 22; }
#endif

void orepa_host_set_environment(int mode, bool traps)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    fesetenv(FE_DFL_ENV);
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(modes[mode]);
    if (traps)
        feenableexcept(FE_ALL_EXCEPT);
    else
        feraiseexcept(FE_UNDERFLOW);
}

orepa_host_environment orepa_host_get_environment(void)
{
    return (orepa_host_environment){
        fegetround(), fegetexcept(), fetestexcept(FE_ALL_EXCEPT), (uint32_t)orepa_host_arithmetic()};
}

void orepa_host_reset_environment(void) { fesetenv(FE_DFL_ENV); }

typedef struct thread_call {
    void (*body)(void *context);
    void *context;
} thread_call;

static void *call_once(void *argument)
{
    thread_call *call = argument;
    call->body(call->context);
    return NULL;
}

static void *call_until_cancelled(void *argument)
{
    thread_call *call = argument;
    for (;;) {
        pthread_testcancel();
        call->body(call->context);
    }
}

bool orepa_host_call_on_stack(size_t stack_size, void (*body)(void *context), void *context)
{
    thread_call call = {body, context};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    bool started = pthread_attr_setstacksize(&attributes, stack_size) == 0
        && pthread_create(&thread, &attributes, call_once, &call) == 0;
    if (started) pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

bool orepa_host_cancel_thread(unsigned microseconds, void (*body)(void *context), void *context)
{
    thread_call call = {body, context};
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, NULL, call_until_cancelled, &call) != 0) return false;
    usleep(microseconds);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}
