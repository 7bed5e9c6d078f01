// Keeps pthread_cancel from ending a thread in the middle of the library's code, which would not be left in order.
#ifndef OREPA_THREAD_CANCELLATION_H
#define OREPA_THREAD_CANCELLATION_H

// Puts off what pthread_cancel asks of the calling thread, and returns what was.
int orepa_put_off_thread_cancellation(void);

// Sets back what orepa_put_off_thread_cancellation returned.
void orepa_restore_thread_cancellation(int state);

#endif
