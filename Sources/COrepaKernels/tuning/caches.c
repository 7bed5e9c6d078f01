// The sizes of this machine's caches.
#include "orepa_tuning.h"

#include <stdatomic.h>
#include <stdio.h>

#include "../architecture.h"

#if OREPA_X86_64
#include <cpuid.h>
#endif

enum { DATA = 1, CODE = 2, BOTH = 3 };   // what a cache holds, as processors number it

static void note(orepa_caches *caches, int level, int holds, int64_t bytes)
{
    if (bytes <= 0 || bytes >> 10 > INT32_MAX) return;
    if (level == 1 && holds == DATA) caches->l1_data = (int32_t)(bytes >> 10);
    if (level == 2 && holds != CODE) caches->l2 = (int32_t)(bytes >> 10);
}

#if OREPA_X86_64
// Intel's and AMD's leaf list caches in the same form, until one that holds nothing.
static void ask_processor(orepa_caches *caches)
{
    static const unsigned leaves[] = {4, 0x8000001d};
    enum { MOST_CACHES = 16 };
    for (int i = 0; i < 2; i++)
        for (unsigned index = 0; index < MOST_CACHES; index++) {
            unsigned a, b, c, d;
            if (!__get_cpuid_count(leaves[i], index, &a, &b, &c, &d) || (a & 31) == 0) break;
            const int64_t ways = (b >> 22) + 1, partitions = (b >> 12 & 1023) + 1, line = (b & 4095) + 1;
            note(caches, a >> 5 & 7, a & 31, ways * partitions * line * ((int64_t)c + 1));
        }
}
#else
static void ask_processor(orepa_caches *caches) { (void)caches; }
#endif

static bool read_word(int index, const char *name, char word[32])
{
    char path[80];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    const bool is_read = fscanf(file, "%31s", word) == 1;
    fclose(file);
    return is_read;
}

static void ask_system(orepa_caches *caches)
{
    char word[32];
    for (int index = 0; read_word(index, "level", word); index++) {
        int level;
        long long kilobytes;
        if (sscanf(word, "%d", &level) != 1 || !read_word(index, "type", word)) continue;
        const int holds = word[0] == 'D' ? DATA : word[0] == 'I' ? CODE : BOTH;
        if (read_word(index, "size", word) && sscanf(word, "%lldK", &kilobytes) == 1)
            note(caches, level, holds, kilobytes << 10);
    }
}

orepa_caches orepa_caches_here(void)
{
    // Threads that ask at the same time find the same.
    static _Atomic bool is_known;
    static _Atomic int32_t l1_data, l2;
    if (!atomic_load_explicit(&is_known, memory_order_acquire)) {
        orepa_caches found = {0};
        ask_processor(&found);
        if (found.l1_data == 0 || found.l2 == 0) ask_system(&found);
        atomic_store_explicit(&l1_data, found.l1_data, memory_order_relaxed);
        atomic_store_explicit(&l2, found.l2, memory_order_relaxed);
        atomic_store_explicit(&is_known, true, memory_order_release);
    }
    return (orepa_caches){
        .l1_data = atomic_load_explicit(&l1_data, memory_order_relaxed),
        .l2 = atomic_load_explicit(&l2, memory_order_relaxed),
    };
}
