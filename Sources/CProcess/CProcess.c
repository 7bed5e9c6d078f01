#define _GNU_SOURCE
#include "CProcess.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int argument_count;
static char **arguments;

// The GNU C library calls constructors with what it calls main with.
__attribute__((constructor)) static void keep_arguments(int count, char **values, char **environment)
{
    (void)environment;
    argument_count = count;
    arguments = values;
}

int orepa_argument_count(void) { return argument_count; }
char *const *orepa_arguments(void) { return arguments; }

void orepa_occupy_closed_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        // The system gives the lowest number that is free.
        if (fcntl(stream, F_GETFD) < 0) open("/", O_PATH);
    }
}

bool orepa_has_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    munmap(memory, size);
    return true;
}

static const char *memory_sentence;
static size_t memory_margin;
static int memory_status;

// Calls nothing that is not safe in a handler of signals.
static void end_without_memory(int signal)
{
    if (!orepa_has_memory(memory_margin)) {
        if (write(STDERR_FILENO, memory_sentence, strlen(memory_sentence)) < 0) _exit(memory_status);
        _exit(memory_status);
    }
    orepa_end_by_signal(signal);
}

void orepa_end_without_memory(const char *sentence, int status, size_t margin)
{
    memory_sentence = sentence;
    memory_status = status;
    memory_margin = margin;
    struct sigaction action = {.sa_handler = end_without_memory, .sa_flags = SA_NODEFER};
    sigaction(SIGABRT, &action, NULL);
}

void orepa_refuse_large_files(void) { signal(SIGXFSZ, SIG_IGN); }

static volatile sig_atomic_t received_interrupt;

static void keep_interrupt(int signal) { received_interrupt = signal; }

void orepa_keep_interrupts(void)
{
    // No SA_RESTART: who waits for input is woken.
    struct sigaction action = {.sa_handler = keep_interrupt, .sa_flags = SA_RESETHAND};
    for (int i = 0; i < 2; i++) {
        const int signal = i == 0 ? SIGINT : SIGTERM;
        struct sigaction former;
        // What the one who started the program ignores, such as a shell for what runs in the background, stays ignored.
        if (sigaction(signal, NULL, &former) == 0 && former.sa_handler != SIG_IGN) sigaction(signal, &action, NULL);
    }
}

int orepa_received_interrupt(void) { return received_interrupt; }

void orepa_end_by_signal(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    _exit(128 + number);
}
