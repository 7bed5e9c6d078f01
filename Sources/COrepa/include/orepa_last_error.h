/* What last_error gives, kept for each thread. For the library itself: not installed, not exported. */
#ifndef OREPA_LAST_ERROR_H
#define OREPA_LAST_ERROR_H

#include <stddef.h>

/* Keeps at most 2047 of the `count` bytes of `message`, UTF-8, and no part of a character. Allocates nothing. */
void orepa_set_last_error(const char *message, size_t count);

/* What was kept last on this thread, empty at first. Valid until orepa_set_last_error on this thread. */
const char *orepa_last_error(void);

#endif
