#define _GNU_SOURCE
#include "CConversionLibraries.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The functions as <cblas.h> and <openssl/evp.h> declare them. Both interfaces are fixed by the libraries' sonames.
enum { ROW_MAJOR = 101, NO_TRANSPOSITION = 111 };
typedef void matrix_product(
    int order, int transposes_left, int transposes_right, int rows, int columns, int inner, double factor,
    const double *left, int left_stride, const double *right, int right_stride, double scale, double *target,
    int target_stride);

static matrix_product *product;
static void *(*new_context)(void);
static void (*free_context)(void *context);
static const void *(*sha256)(void);
static int (*begin_digest)(void *context, const void *type, void *engine);
static int (*add_to_digest)(void *context, const void *bytes, size_t count);
static int (*end_digest)(void *context, unsigned char *digest, unsigned *count);

// Why a library is not there; empty where it is.
typedef char problem_text[512];
static problem_text openblas_problem, libcrypto_problem;

struct function {
    const char *name;
    void *address;   // of a pointer to a function
};

// `package` is what Debian calls the library.
static bool load(
    const char *file, const char *package, const struct function *functions, size_t count, problem_text problem)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; library != NULL && i < count; i++) {
        void *found = dlsym(library, functions[i].name);
        if (found == NULL) library = NULL;
        memcpy(functions[i].address, &found, sizeof found);
    }
    if (library != NULL) return true;
    const char *reason = dlerror();
    snprintf(
        problem, sizeof(problem_text), "expected the library %s (on Debian in the package %s), which converting needs, found %s",
        file, package, reason != NULL ? reason : "none");
    return false;
}

static void load_openblas(void)
{
    static const char variable[] = "OPENBLAS_NUM_THREADS";
    const char *given = getenv(variable);
    char *former = given != NULL ? strdup(given) : NULL;
    setenv(variable, "1", 1);
    void (*set_thread_count)(int) = NULL;
    const struct function functions[] = {
        {"cblas_dgemm", &product}, {"openblas_set_num_threads", &set_thread_count}};
    const bool is_loaded = load("libopenblas.so.0", "libopenblas0", functions, 2, openblas_problem);
    if (former != NULL) setenv(variable, former, 1);
    else unsetenv(variable);
    free(former);
    // Its variant for OpenMP reads other variables too.
    if (is_loaded) set_thread_count(1);
}

static void load_libcrypto(void)
{
    const struct function functions[] = {
        {"EVP_MD_CTX_new", &new_context},      {"EVP_MD_CTX_free", &free_context},
        {"EVP_sha256", &sha256},               {"EVP_DigestInit_ex", &begin_digest},
        {"EVP_DigestUpdate", &add_to_digest},  {"EVP_DigestFinal_ex", &end_digest},
    };
    load("libcrypto.so.3", "libssl3", functions, sizeof functions / sizeof *functions, libcrypto_problem);
}

const char *orepa_load_openblas(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_openblas);
    return openblas_problem[0] != '\0' ? openblas_problem : NULL;
}

const char *orepa_load_libcrypto(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_libcrypto);
    return libcrypto_problem[0] != '\0' ? libcrypto_problem : NULL;
}

void orepa_matrix_product(
    size_t rows, size_t columns, size_t inner, const double *left, size_t left_stride, const double *right,
    size_t right_stride, double scale, double *target, size_t target_stride)
{
    if (orepa_load_openblas() != NULL) abort();
    product(
        ROW_MAJOR, NO_TRANSPOSITION, NO_TRANSPOSITION, (int)rows, (int)columns, (int)inner, 1, left, (int)left_stride,
        right, (int)right_stride, scale, target, (int)target_stride);
}

orepa_sha256 *orepa_sha256_begin(void)
{
    if (orepa_load_libcrypto() != NULL) return NULL;
    void *context = new_context();
    if (context != NULL && begin_digest(context, sha256(), NULL) != 1) {
        free_context(context);
        context = NULL;
    }
    return context;
}

bool orepa_sha256_add(orepa_sha256 *sum, const void *bytes, size_t count)
{
    return add_to_digest(sum, bytes, count) == 1;
}

bool orepa_sha256_end(orepa_sha256 *sum, unsigned char *digest)
{
    const bool is_sound = end_digest(sum, digest, NULL) == 1;
    free_context(sum);
    return is_sound;
}
