/* Private shims of the module OrepaImage over libjpeg and libpng.
 *
 * Both libraries leave an error by longjmp, which Swift must not be crossed by: every function here catches it
 * and reports a status and a message. Nothing is printed, no global state is kept; one handle belongs to one
 * thread at a time. Limits are the caller's duty: open, look at the header, then read. */
#ifndef COREPAIMAGE_H
#define COREPAIMAGE_H

#include <stddef.h>
#include <stdint.h>

typedef enum orepa_image_status {
    OREPA_IMAGE_OK = 0,
    /* The bytes end before the image does. */
    OREPA_IMAGE_TRUNCATED = 1,
    /* The bytes contradict the format, or a checksum. */
    OREPA_IMAGE_CORRUPT = 2,
    /* A valid image of a kind that the library does not decode. */
    OREPA_IMAGE_UNSUPPORTED = 3,
    /* More scans than the caller allowed. */
    OREPA_IMAGE_TOO_MANY_SCANS = 4,
    /* A side longer than the library can hold; the header's width and height are set. */
    OREPA_IMAGE_TOO_LARGE = 5,
    /* malloc failed. */
    OREPA_IMAGE_OUT_OF_MEMORY = 6
} orepa_image_status;

typedef struct orepa_image_error {
    orepa_image_status status;
    /* Zero-terminated, without a newline; the words of the library. */
    char message[256];
} orepa_image_error;

typedef struct orepa_jpeg orepa_jpeg;

typedef struct orepa_jpeg_header {
    uint32_t width;
    uint32_t height;
    /* Bytes per pixel that orepa_jpeg_read gives: 3 (RGB), or 4 (CMYK as stored, nothing inverted). */
    uint32_t channels;
    /* Bytes of the coefficients that must be held at once (several scans), else 0. */
    uint64_t coefficient_bytes;
} orepa_jpeg_header;

/* Borrows `bytes` until orepa_jpeg_close. Returns NULL on failure, with `error` set and, as far as it was read,
 * `header`. */
orepa_jpeg *orepa_jpeg_open(const uint8_t *bytes, size_t count, uint32_t maximum_scans,
                            orepa_jpeg_header *header, orepa_image_error *error);

/* Reads the next `rows` rows of width * channels bytes each, without gaps. With the last row the stream is
 * checked up to its end marker. */
orepa_image_status orepa_jpeg_read(orepa_jpeg *jpeg, uint8_t *pixels, uint32_t rows,
                                   orepa_image_error *error);

void orepa_jpeg_close(orepa_jpeg *jpeg);

typedef struct orepa_png orepa_png;

typedef struct orepa_png_header {
    uint32_t width;
    uint32_t height;
    /* Bytes of one row as stored, unpacked by the library. */
    uint64_t row_bytes;
} orepa_png_header;

/* Borrows `bytes` until orepa_png_close. Ancillary chunks are skipped, their checksums verified. */
orepa_png *orepa_png_open(const uint8_t *bytes, size_t count, orepa_png_header *header,
                          orepa_image_error *error);

/* Reads the whole image into `pixels`, [height, width, 3] bytes, and the stream up to its IEND. */
orepa_image_status orepa_png_read(orepa_png *png, uint8_t *pixels, orepa_image_error *error);

void orepa_png_close(orepa_png *png);

/* Encodes [height, width, 3] bytes as an 8-bit RGB PNG. `*bytes` is the caller's to pass to
 * orepa_png_free; it is NULL after a failure. */
orepa_image_status orepa_png_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                                   uint8_t **bytes, size_t *count, orepa_image_error *error);

void orepa_png_free(uint8_t *bytes);

#endif
