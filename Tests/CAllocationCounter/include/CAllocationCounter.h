#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

/// How often this program has asked for memory since it began, on any thread. Linking this target
/// replaces malloc, calloc, realloc and the aligned ones by counting wrappers around glibc's own.
long orepa_allocation_count(void);

#endif
