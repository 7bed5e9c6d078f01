// Memory that the system may refuse. Swift's own allocations end the process then; these say so.
#ifndef OREPA_MEMORY_H
#define OREPA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

// Whether the system gives `size` bytes beside a margin, which is what the Swift runtime, the C libraries and the stack
// may need for small things meanwhile. Takes them and gives them back untouched, in about a microsecond, through the
// allocator that the runtime uses. Keeps errno.
bool orepa_memory_is_there(size_t size);

// `size` bytes aligned to 64 that free() gives back; NULL where the system refuses them or the margin behind them. They
// are not initialised. Keeps errno.
void *orepa_memory_allocate(size_t size);

// Whole pages, zero, that munmap() gives back; NULL where the system refuses them or the margin behind them. Keeps errno.
void *orepa_memory_map(size_t size);

// The margin for the heap, in bytes.
size_t orepa_memory_margin(void);

#endif
