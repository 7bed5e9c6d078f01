#include "orepa_isa.h"

#include <string.h>

#include "architecture.h"

const char *orepa_isa_name(orepa_isa isa)
{
    static const char *const names[OREPA_ISA_COUNT] = {OREPA_BASELINE_NAME, "avx2", "avx512"};
    return names[isa];
}

bool orepa_isa_named(const char *name, orepa_isa *isa)
{
    // A machine of another architecture has none of the others.
    const int count = OREPA_X86_64 ? OREPA_ISA_COUNT : 1;
    for (int i = 0; i < count; i++) {
        if (strcmp(name, orepa_isa_name((orepa_isa)i)) != 0) continue;
        *isa = (orepa_isa)i;
        return true;
    }
    if (strcmp(name, "portable") != 0) return false;
    *isa = orepa_isa_portable;
    return true;
}

#ifndef OREPA_AVX512_BY_AVX2
#define OREPA_AVX512_BY_AVX2 0
#endif

// What a set is compiled for, each a bit.
enum {
    AVX2 = 1 << 0,
    FMA = 1 << 1,
    AVX512F = 1 << 2,
    AVX512VL = 1 << 3,
    AVX512BW = 1 << 4,
    AVX512DQ = 1 << 5,
};

static const unsigned features_of[OREPA_ISA_COUNT] = {
    [orepa_isa_portable] = 0,
    [orepa_isa_avx2] = AVX2 | FMA,
    [orepa_isa_avx512] = AVX2 | FMA | (OREPA_AVX512_BY_AVX2 ? 0 : AVX512F | AVX512VL | AVX512BW | AVX512DQ),
};

#if OREPA_X86_64
static unsigned features_here(void)
{
    // __builtin_cpu_supports asks the operating system too whether it saves the registers.
    __builtin_cpu_init();
    return (__builtin_cpu_supports("avx2") ? AVX2 : 0u) | (__builtin_cpu_supports("fma") ? FMA : 0u)
        | (__builtin_cpu_supports("avx512f") ? AVX512F : 0u) | (__builtin_cpu_supports("avx512vl") ? AVX512VL : 0u)
        | (__builtin_cpu_supports("avx512bw") ? AVX512BW : 0u) | (__builtin_cpu_supports("avx512dq") ? AVX512DQ : 0u);
}
#else
static unsigned features_here(void) { return 0; }
#endif

bool orepa_isa_is_here(orepa_isa isa) { return (features_of[isa] & ~features_here()) == 0; }

orepa_isa orepa_isa_best(void)
{
    int best = OREPA_ISA_COUNT - 1;
    while (!orepa_isa_is_here((orepa_isa)best)) best--;
    return (orepa_isa)best;
}
