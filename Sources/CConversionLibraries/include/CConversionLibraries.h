// OpenBLAS and libcrypto, which only conversion needs: loaded by the first call that needs them, so that a program
// that classifies neither links them nor has their threads.
#ifndef C_CONVERSION_LIBRARIES_H
#define C_CONVERSION_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

// Loads OpenBLAS, once in a process. NULL, or a sentence that says why it is not there.
//
// OpenBLAS gets one thread and starts none: while it is loaded, OPENBLAS_NUM_THREADS is 1 in the environment, which no
// other thread may read or change meanwhile.
const char *orepa_load_openblas(void);

// Loads libcrypto, once in a process. NULL, or a sentence that says why it is not there.
const char *orepa_load_libcrypto(void);

// Sets `target [rows, columns]` to `left [rows, inner]` times `right [inner, columns]`, plus `scale` times what it was.
// All are row-major, rows a stride apart; each size is below 2^31. Ends the process when OpenBLAS is missing, so orepa_load_openblas has to
// have said that it is there.
void orepa_matrix_product(
    size_t rows, size_t columns, size_t inner, const double *left, size_t left_stride, const double *right,
    size_t right_stride, double scale, double *target, size_t target_stride);

enum { OREPA_SHA256_SIZE = 32 };

// A SHA-256 that is being computed.
typedef struct orepa_sha256 orepa_sha256;

// NULL when libcrypto is missing or memory is refused.
orepa_sha256 *orepa_sha256_begin(void);
bool orepa_sha256_add(orepa_sha256 *sum, const void *bytes, size_t count);

// Writes OREPA_SHA256_SIZE bytes, and frees `sum`.
bool orepa_sha256_end(orepa_sha256 *sum, unsigned char *digest);

#endif
