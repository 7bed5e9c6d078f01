// What programs that take times share: samples, memory as a network meets it, threads that share a layer.
#ifndef MEASURE_H
#define MEASURE_H

#include "support.h"

// Of some times; the 10th percentile is what a quiet machine gives again and again.
typedef struct {
    double least, p10, median;
} spread;

// Sorts the times.
spread spread_of(double *times, int32_t count);

// Seconds that pass, for several threads; support.h's are one thread's.
double now(void);

// Random floats in huge pages.
float *huge_floats(size_t count);

// Memory from which each call takes another part, until all of it has been through the caches.
typedef struct {
    float *memory;
    size_t count;   // floats
    size_t next;
} rotation;

// At least two parts of `largest` floats, and `bytes` in all.
rotation make_rotation(size_t bytes, size_t largest);

// The next part of this many floats, aligned to 64 bytes.
float *next_part(rotation *from, size_t count);

// Bytes of weights that no cache holds.
enum { WEIGHT_BYTES = 128 << 20 };

// Where runs of layers find their memory: each run other weights and maps, so that nothing is in L2 from the run before.
typedef struct {
    rotation weights, inputs, outputs;
} cold_memory;

// At least `weight_bytes` of weights; for layers of as many floats as the largest of these.
cold_memory make_cold_memory(size_t weight_bytes, size_t packed_floats, size_t map_floats);
void free_cold_memory(cold_memory *memory);

// Threads that claim items one by one as a plan's do: the caller from the front, the others from the back. They spin
// between runs. There is one team in a program.
void start_team(int32_t threads);

// Scratch for each of them.
void give_scratch(size_t floats);

// One run by all threads; seconds that pass, or of one thread alone its processor time.
double run_cold(const orepa_convolution_plan *plan, cold_memory *memory);

#endif
