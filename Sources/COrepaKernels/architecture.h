// What the processor's architecture decides: which instruction sets' files have content, and which kernels of
// kernels.inc exist.
#ifndef OREPA_ARCHITECTURE_H
#define OREPA_ARCHITECTURE_H

#if defined(__x86_64__)
#define OREPA_X86_64 1
#define OREPA_IF_X86_64(...) __VA_ARGS__
#define OREPA_EACH_SET(use, ...) use(portable, __VA_ARGS__) use(avx2, __VA_ARGS__) use(avx512, __VA_ARGS__)
#else
#define OREPA_X86_64 0
#define OREPA_IF_X86_64(...)
#define OREPA_EACH_SET(use, ...) use(portable, __VA_ARGS__)
#endif

// What each x86 file compiles for, and isa.c asks for. With OREPA_AVX512_BY_AVX2 processors without AVX-512 run
// what is planned for it, slowly, for tests.
#define OREPA_TARGET_AVX2 __attribute__((target("avx2,fma")))
#if OREPA_AVX512_BY_AVX2
#define OREPA_TARGET_AVX512 OREPA_TARGET_AVX2
#else
#define OREPA_TARGET_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#endif

// The instruction set that every processor of the architecture has: portable.c is compiled for it.
#if defined(__aarch64__)
#define OREPA_BASELINE_NAME "neon"
#define OREPA_BASELINE_FMA 1
#else
#define OREPA_BASELINE_NAME "portable"
#define OREPA_BASELINE_FMA 0
#endif

#endif
