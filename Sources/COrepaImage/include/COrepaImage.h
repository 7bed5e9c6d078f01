/* Private shims of the module OrepaImage over libjpeg, zlib and libpng.
 *
 * libjpeg and libpng leave an error by longjmp, which Swift must not be crossed by: every function here catches it
 * and reports a status and a message. Nothing is printed, no global state is kept; one handle belongs to one
 * thread at a time. Limits are the caller's duty: open, look at the header, then read. */
#ifndef COREPAIMAGE_H
#define COREPAIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum orepa_image_status {
    OREPA_IMAGE_OK = 0,
    /* The bytes end before the image does. */
    OREPA_IMAGE_TRUNCATED = 1,
    /* The bytes contradict the format. */
    OREPA_IMAGE_CORRUPT = 2,
    /* A valid image of a kind that the library does not decode. */
    OREPA_IMAGE_UNSUPPORTED = 3,
    /* More scans than the caller allowed. */
    OREPA_IMAGE_TOO_MANY_SCANS = 4,
    /* A side longer than the library can hold; the header's width and height are set. */
    OREPA_IMAGE_TOO_LARGE = 5,
    /* malloc failed. */
    OREPA_IMAGE_OUT_OF_MEMORY = 6,
    /* The caller's check asked to stop. */
    OREPA_IMAGE_INTERRUPTED = 7,
    /* More samples in all scans together than the caller allowed. */
    OREPA_IMAGE_TOO_MANY_SCANNED_SAMPLES = 8,
    /* Not an error: all bytes are used, and the image needs more. */
    OREPA_IMAGE_MORE = 9
} orepa_image_status;

typedef struct orepa_image_error {
    orepa_image_status status;
    /* Zero-terminated, without a newline; the words of the library. */
    char message[256];
} orepa_image_error;

/* Whether to stop: asked between rows, and between rows of blocks of each scan. */
typedef struct orepa_image_check {
    bool (*is_interrupted)(const void *context);
    const void *context;
} orepa_image_check;

/* ---- JPEG ---- */

typedef struct orepa_jpeg orepa_jpeg;

typedef struct orepa_jpeg_limits {
    uint32_t scans;
    /* Of each scan the samples of its components, one after the other. */
    uint64_t scanned_samples;
} orepa_jpeg_limits;

typedef struct orepa_jpeg_header {
    uint32_t width;
    uint32_t height;
    /* Bytes of the coefficients that must be held at once (several scans), else 0. */
    uint64_t coefficient_bytes;
} orepa_jpeg_header;

typedef struct orepa_jpeg_damage {
    /* How often libjpeg warned, and what it said first. */
    uint64_t warning_count;
    char warning[256];
    /* The bytes end without an end-of-image marker after the image data. */
    bool has_no_end;
    /* Scans of a progressive image are missing: libjpeg guesses, each version in its own way. */
    bool is_incomplete;
} orepa_jpeg_damage;

/* Borrows `bytes` until orepa_jpeg_close. Returns NULL on failure, with `error` set and, as far as it was read,
 * `header`. */
orepa_jpeg *orepa_jpeg_open(const uint8_t *bytes, size_t count, orepa_jpeg_limits limits,
                            orepa_image_check check, orepa_jpeg_header *header,
                            orepa_image_error *error);

/* Reads the image into `pixels`, [height, width, 3] bytes, red, green, blue, once. */
orepa_image_status orepa_jpeg_read(orepa_jpeg *jpeg, uint8_t *pixels, orepa_jpeg_damage *damage,
                                   orepa_image_error *error);

void orepa_jpeg_close(orepa_jpeg *jpeg);

/* ---- PNG: the compressed rows; the caller knows about chunks ---- */

typedef struct orepa_png orepa_png;

typedef struct orepa_png_layout {
    /* Of the rows in the file, at least 1. */
    uint32_t width;
    uint32_t height;
    /* A pair that PNG allows. */
    uint8_t bit_depth;
    uint8_t colour_type;
    bool is_interlaced;
    /* Of 16-bit grey the smaller of the sample and 255, else the high byte. */
    bool clips_grey;
    /* [256, 3] bytes, for colour type 3. */
    const uint8_t *palette;
    /* Where pixels go: bytes from a row to the next, three for each pixel. */
    size_t stride;
} orepa_png_layout;

/* Bytes that orepa_png_open allocates, beside zlib's own 64 KiB or so; UINT64_MAX if rows are too long. */
uint64_t orepa_png_row_memory(const orepa_png_layout *layout);

/* Borrows the palette until orepa_png_close. Returns NULL on failure, with `error` set. */
orepa_png *orepa_png_open(const orepa_png_layout *layout, orepa_image_error *error);

/* Decompresses the next `count` bytes, which are borrowed until the next call of a function for this handle, and
 * writes what they give of the rows into `pixels`. OREPA_IMAGE_OK: the last row is complete, or the compressed data
 * have ended with a row; orepa_png_row_count says with which. OREPA_IMAGE_MORE: the next bytes, please. */
orepa_image_status orepa_png_read(orepa_png *png, const uint8_t *bytes, size_t count,
                                  uint8_t *pixels, orepa_image_check check,
                                  orepa_image_error *error);

/* How many rows are complete; of an interlaced image only whether it is all of them. */
uint32_t orepa_png_row_count(const orepa_png *png);

/* After OREPA_IMAGE_OK: decompresses, with NULL what is left of the last bytes, else `bytes`, and throws it away.
 * OREPA_IMAGE_OK: the data have ended and their checksum is right. OREPA_IMAGE_MORE: not yet. OREPA_IMAGE_TOO_LARGE:
 * not after a megabyte either. */
orepa_image_status orepa_png_drain(orepa_png *png, const uint8_t *bytes, size_t count,
                                   orepa_image_error *error);

void orepa_png_close(orepa_png *png);

/* The checksum of PNG's chunks, from 0 or from that of what comes before. */
uint32_t orepa_png_checksum(uint32_t before, const uint8_t *bytes, size_t count);

/* What orepa_png_decompress returns in place of a size: there is more than the limit, the stream is broken, or the check
 * asked to stop. */
enum { OREPA_PNG_TOO_LARGE = -1, OREPA_PNG_DAMAGED = -2, OREPA_PNG_STOPPED = -3 };

/* Decompresses a zlib stream, at most `limit` bytes of it, into `target`, or with NULL to nowhere. Returns how many there
 * were. A stream that ends too early is not broken. */
int64_t orepa_png_decompress(const uint8_t *bytes, size_t count, uint8_t *target, size_t limit,
                             orepa_image_check check);

/* Encodes [height, width, 3] bytes as an 8-bit RGB PNG. `*bytes` is the caller's to pass to
 * orepa_png_free; it is NULL after a failure. */
orepa_image_status orepa_png_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                                   uint8_t **bytes, size_t *count, orepa_image_error *error);

void orepa_png_free(uint8_t *bytes);

/* ---- Versions ---- */

/* Whether libjpeg is libjpeg-turbo 3 or later, which is what Pillow has. */
bool orepa_jpeg_is_version_3(void);

/* Of the libraries in use, at run time, such as "libjpeg-turbo 2.1.5, zlib 1.2.13, libpng 1.6.39", into `text`. */
void orepa_image_libraries(char *text, size_t size);

#endif
