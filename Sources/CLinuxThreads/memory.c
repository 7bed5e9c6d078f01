#define _GNU_SOURCE
#include "orepa_memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    // Several times what loading a model and classifying take in small pieces, which `Tests/EmbeddingProbe` measures.
    HEAP_MARGIN = 2 << 20,
    // The first thread's stack grows by page faults, which end the process where the system refuses a page.
    STACK_MARGIN = 256 << 10,
    ALIGNMENT = 64,
};

static void *map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

bool orepa_memory_is_there(size_t size)
{
    const int error = errno;
    bool found = false;
    void *stack = map(STACK_MARGIN);
    if (stack) {
        // What malloc gave and free took back is mostly kept for the next allocations: nothing else can take it.
        void *heap = size <= PTRDIFF_MAX - HEAP_MARGIN ? malloc(size + HEAP_MARGIN) : NULL;
        // Compilers may leave out a pair of malloc and free that nothing looks at.
        __asm__ volatile("" : "+r"(heap));
        found = heap != NULL;
        free(heap);
        munmap(stack, STACK_MARGIN);
    }
    errno = error;
    return found;
}

void *orepa_memory_allocate(size_t size)
{
    const int error = errno;
    void *memory = NULL;
    if (size > PTRDIFF_MAX - ALIGNMENT || posix_memalign(&memory, ALIGNMENT, size ? size : ALIGNMENT) != 0) memory = NULL;
    if (memory && !orepa_memory_is_there(0)) {
        free(memory);
        memory = NULL;
    }
    errno = error;
    return memory;
}

void *orepa_memory_map(size_t size)
{
    const int error = errno;
    void *pages = size == 0 || size > PTRDIFF_MAX ? NULL : map(size);
    if (pages && !orepa_memory_is_there(0)) {
        munmap(pages, size);
        pages = NULL;
    }
    errno = error;
    return pages;
}

size_t orepa_memory_margin(void) { return HEAP_MARGIN; }
