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

#if OREPA_X86_64
orepa_isa orepa_isa_best(void)
{
    // __builtin_cpu_supports asks the operating system too whether it saves the registers.
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return orepa_isa_portable;
    if (OREPA_AVX512_BY_AVX2) return orepa_isa_avx512;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl")
        || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq"))
        return orepa_isa_avx2;
    return orepa_isa_avx512;
}
#else
orepa_isa orepa_isa_best(void) { return orepa_isa_portable; }
#endif
