// What the tests of the C interface share.
#ifndef TEST_H
#define TEST_H

#include <orepa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_COUNT 10
#define CLASS_COUNT 10
#define SIDE 56
#define INPUT_COUNT (3 * SIDE * SIDE)

typedef struct sample {
    char path[512];
    float logits[CLASS_COUNT];
} sample;

// What main has read and all tests use.
extern const orepa_api *orepa;
extern const char *model_path;
extern const char *data_folder;
extern sample samples[SAMPLE_COUNT];
// Under valgrind, where all takes a hundred times as long and memory cannot be limited: every kind of call is made, but
// less often.
extern bool is_slow;
// How many of the samples are used.
extern size_t sample_count;

// Counts a check, and prints it when it fails. Any thread may call it.
bool check(bool passed, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define CHECK(condition, ...) check((condition), __FILE__, __LINE__, __VA_ARGS__)

// Checks a status, and that the message that goes with it holds `words`; for OREPA_OK that there is none.
#define CHECK_STATUS(call, expected, words) \
    check_status((call), (expected), (words), __FILE__, __LINE__, #call)
bool check_status(orepa_status found, orepa_status expected, const char *words, const char *file,
    int line, const char *call);
#define CHECK_OK(call) CHECK_STATUS(call, OREPA_OK, "")

// Checks that the bits of floats are equal.
void check_bits(const float *found, const float *expected, size_t count, const char *what);

// The model, with options or NULL, and when slow without its probe. Ends the program when it cannot be loaded.
orepa_model *load(const orepa_model_options *options);

// A file as a whole, to be freed.
unsigned char *read_file(const char *path, size_t *size);
unsigned char *read_data(const char *name, size_t *size);

// The network's input for 8-bit pixels of its own size, to be freed.
float *normalised(const unsigned char *pixels);

// Runs one picture of which all is expected to be well, and gives its logits.
void run_one(const orepa_model *model, orepa_picture picture, float *logits);

int thread_count_of_process(void);
int descriptor_count_of_process(void);

// The tests, a function for each file.
void test_models(void);
void test_pictures(void);
void test_outputs(void);
void test_arguments(void);
void test_structs(void);
void test_errors(void);
void test_threads(void);
void test_limits(void);
void test_host(void);
void test_into(void);
void test_metadata(void);

#endif
