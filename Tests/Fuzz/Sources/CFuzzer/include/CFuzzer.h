// What libFuzzer offers to programs that have a `main` of their own.
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));

// The same for a target that may take so many seconds of the calling thread's processor time for an input: however busy
// the machine is, the same inputs take too long.
int fuzzer_run(
    int *argc, char ***argv, long seconds, int (*target)(const uint8_t *data, size_t size));

// Sets what is called with each mutated input, to put its checksums and lengths right in place; null for nothing.
void fuzzer_set_repair(void (*repair)(uint8_t *data, size_t size));

// CRC-32 as zip and PNG files have it.
uint32_t fuzzer_crc32(const void *bytes, size_t size);

// A file in memory: replaces its contents, and tells its number.
void fuzzer_memory_file(const void *contents, size_t size);
int fuzzer_memory_file_descriptor(void);

#endif
