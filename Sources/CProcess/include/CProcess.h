// What a command asks of its process, and Swift cannot say.
#ifndef C_PROCESS_H
#define C_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

// The arguments that the process was started with, the program's name first: at hand without /proc.
int orepa_argument_count(void);
char *const *orepa_arguments(void);

// Gives the numbers of standard streams that are closed to something that can be neither read nor written, so that no
// file gets them, into which messages would go then.
void orepa_occupy_closed_streams(void);

// Whether the system would give `size` bytes of memory more.
bool orepa_has_memory(size_t size);

// From now on a process that is ended for want of memory (by abort, as Swift ends a process that an allocation is
// refused to) says `sentence` on standard error and has the exit status `status`. It is taken for such a one when the
// system would not give `margin` bytes more. `sentence` stays valid.
void orepa_end_without_memory(const char *sentence, int status, size_t margin);

// From now on what is written beyond the largest size that the process's files may have (RLIMIT_FSIZE) is refused with
// EFBIG, where it would end the process.
void orepa_refuse_large_files(void);

// From now on an interrupt (SIGINT or SIGTERM) is kept for orepa_received_interrupt; a second one ends the process.
void orepa_keep_interrupts(void);

// The number of the signal that was kept, or 0.
int orepa_received_interrupt(void);

// Ends the process by `signal`, as if nobody had kept it.
_Noreturn void orepa_end_by_signal(int signal);

#endif
