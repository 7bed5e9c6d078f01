#define _GNU_SOURCE
#include "CFuzzer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void (*repair)(uint8_t *data, size_t size);

void fuzzer_set_repair(void (*function)(uint8_t *data, size_t size)) { repair = function; }

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

// Repeats some bytes in their place, often enough for time that grows with the square of the size to show.
static size_t repeat(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    size_t length = 1 + seed / 7 % 40;
    if (size < length || max_size - size < length) return size;
    size_t start = seed / 281 % (size - length + 1);
    size_t times = (max_size - size) / length;
    if (seed % 7 != 0) times = 1 + times / (1u << seed % 7 * 2);
    uint8_t *end = data + start + length;
    memmove(end + times * length, end, size - start - length);
    for (size_t copy = 0; copy < times; copy++)
        memcpy(end + copy * length, data + start, length);
    return size + times * length;
}

// libFuzzer calls this in place of its own mutations where it is there.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    size = seed % 64 == 1 ? repeat(data, size, max_size, seed / 64)
                          : LLVMFuzzerMutate(data, size, max_size);
    // Now and then what is wrong stays.
    if (repair && seed % 16 != 0) repair(data, size);
    return size;
}

// Freed memory that is kept to find its use counts as the input's: little of it, since memory has a limit.
__attribute__((no_sanitize("address", "undefined")))
const char *__asan_default_options(void) {
    return "quarantine_size_mb=32:allocator_may_return_null=1:detect_stack_use_after_return=0";
}

__attribute__((no_sanitize("address", "undefined")))
const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }

int fuzzer_memory_file_descriptor(void) {
    static int descriptor = -1;
    if (descriptor < 0) descriptor = memfd_create("input", MFD_CLOEXEC);
    return descriptor;
}

void fuzzer_memory_file(const void *contents, size_t size) {
    int descriptor = fuzzer_memory_file_descriptor();
    if (ftruncate(descriptor, 0) != 0) abort();
    if (size > 0 && pwrite(descriptor, contents, size, 0) != (ssize_t)size) abort();
}

uint32_t fuzzer_crc32(const void *bytes, size_t size) {
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t index = 0; index < 256; index++) {
            uint32_t value = index;
            for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
            table[index] = value;
        }
    }
    uint32_t value = UINT32_MAX;
    for (size_t index = 0; index < size; index++)
        value = table[(value ^ ((const uint8_t *)bytes)[index]) & 255] ^ value >> 8;
    return ~value;
}

static int (*limited_target)(const uint8_t *data, size_t size);
static timer_t limited_timer;
static long limited_seconds;

static void tell_of_limit(int signal) {
    (void)signal;
    static const char message[] = "ERROR: the input takes more processor time than it may\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(1);
    // libFuzzer saves the input.
    abort();
}

static void set_limit(long seconds) {
    struct itimerspec time = {.it_value = {.tv_sec = seconds}};
    if (timer_settime(limited_timer, 0, &time, NULL) != 0) abort();
}

static int run_limited(const uint8_t *data, size_t size) {
    set_limit(limited_seconds);
    int result = limited_target(data, size);
    set_limit(0);
    return result;
}

int fuzzer_run(
    int *argc, char ***argv, long seconds, int (*target)(const uint8_t *data, size_t size)
) {
    limited_target = target;
    limited_seconds = seconds;
    struct sigaction action = {.sa_handler = tell_of_limit};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    if (sigaction(SIGPROF, &action, NULL) != 0) abort();
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &limited_timer) != 0) abort();
    return LLVMFuzzerRunDriver(argc, argv, run_limited);
}
