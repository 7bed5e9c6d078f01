#include "COrepaImage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

/* Bytes that one row may take from the file beyond twice its own size, see read_bytes. */
enum { ROW_SLACK = 128 * 1024 };

struct orepa_png {
    png_structp png;
    png_infop info;
    const uint8_t *next;
    size_t left;
    /* What may still be read for the present row. */
    size_t allowance;
    int limited;
    jmp_buf escape;
    orepa_image_error *error;
};

static _Noreturn void fail(struct orepa_png *png, orepa_image_status status, const char *message) {
    png->error->status = status;
    snprintf(png->error->message, sizeof png->error->message, "%s", message);
    longjmp(png->escape, 1);
}

static _Noreturn void on_error(png_structp structure, png_const_charp message) {
    struct orepa_png *png = png_get_error_ptr(structure);
    fail(png, OREPA_IMAGE_CORRUPT, message);
}

/* Warnings are about chunks that are not used and about data after the last row, but for the checksum of the
 * image data, which libpng merely mentions. */
static void on_warning(png_structp structure, png_const_charp message) {
    if (strstr(message, "incorrect data check") != NULL) on_error(structure, message);
}

/* Once the last row is complete libpng inflates what is left of the image data and throws it away. A few kilobytes
 * can hold gigabytes of it, so what a single row reads is bounded. */
static void read_bytes(png_structp structure, png_bytep bytes, size_t count) {
    struct orepa_png *png = png_get_io_ptr(structure);
    if (count > png->left) fail(png, OREPA_IMAGE_TRUNCATED, "unexpected end of the data");
    if (png->limited) {
        if (count > png->allowance) {
            fail(png, OREPA_IMAGE_CORRUPT, "the image data go on after the last row");
        }
        png->allowance -= count;
    }
    memcpy(bytes, png->next, count);
    png->next += count;
    png->left -= count;
}

orepa_png *orepa_png_open(const uint8_t *bytes, size_t count, orepa_png_header *header,
                          orepa_image_error *error) {
    memset(header, 0, sizeof *header);
    memset(error, 0, sizeof *error);
    struct orepa_png *png = calloc(1, sizeof *png);
    if (png == NULL) {
        error->status = OREPA_IMAGE_OUT_OF_MEMORY;
        return NULL;
    }
    png->error = error;
    png->next = bytes;
    png->left = count;
    if (setjmp(png->escape)) {
        orepa_png_close(png);
        return NULL;
    }
    png->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, on_error, on_warning);
    png->info = png->png == NULL ? NULL : png_create_info_struct(png->png);
    if (png->info == NULL) fail(png, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
    png_set_read_fn(png->png, png, read_bytes);
    /* Only IHDR, PLTE, IDAT and IEND are interpreted: no text, profile or transparency is ever unpacked. */
    png_set_keep_unknown_chunks(png->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png->png, PNG_HANDLE_CHUNK_NEVER,
                                (png_const_bytep) "tRNS\0pHYs", 2);
    png_set_crc_action(png->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* Some encoders declare a smaller window than they use. */
    png_set_option(png->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_read_info(png->png, png->info);
    header->width = png_get_image_width(png->png, png->info);
    header->height = png_get_image_height(png->png, png->info);
    header->row_bytes = png_get_rowbytes(png->png, png->info);
    return png;
}

orepa_image_status orepa_png_read(orepa_png *png, uint8_t *pixels, orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    png->error = error;
    if (setjmp(png->escape)) return error->status;
    const uint32_t width = png_get_image_width(png->png, png->info);
    const uint32_t height = png_get_image_height(png->png, png->info);
    const size_t row_bytes = png_get_rowbytes(png->png, png->info);
    switch (png_get_color_type(png->png, png->info)) {
        case PNG_COLOR_TYPE_PALETTE:
            /* An index without an entry is black, as in Pillow: libpng keeps 256 entries, zero at first. */
            png_set_palette_to_rgb(png->png);
            break;
        case PNG_COLOR_TYPE_GRAY:
        case PNG_COLOR_TYPE_GRAY_ALPHA:
            png_set_expand_gray_1_2_4_to_8(png->png);
            png_set_gray_to_rgb(png->png);
            break;
        default:
            break;
    }
    /* The high byte of 16, and no alpha. */
    png_set_strip_16(png->png);
    png_set_strip_alpha(png->png);
    const int passes = png_set_interlace_handling(png->png);
    png_read_update_info(png->png, png->info);
    const size_t stride = (size_t)width * 3;
    if (png_get_rowbytes(png->png, png->info) != stride) {
        fail(png, OREPA_IMAGE_UNSUPPORTED, "unexpected row layout");
    }
    png->limited = 1;
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < height; y++) {
            png->allowance = 2 * row_bytes + ROW_SLACK;
            png_read_row(png->png, pixels + stride * y, NULL);
        }
    }
    png->limited = 0;
    png_read_end(png->png, NULL);
    return OREPA_IMAGE_OK;
}

void orepa_png_close(orepa_png *png) {
    if (png == NULL) return;
    if (png->png != NULL) png_destroy_read_struct(&png->png, &png->info, NULL);
    free(png);
}

struct png_output {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t count;
    size_t capacity;
    jmp_buf escape;
    orepa_image_error *error;
};

static _Noreturn void fail_output(struct png_output *output, orepa_image_status status,
                                  const char *message) {
    output->error->status = status;
    snprintf(output->error->message, sizeof output->error->message, "%s", message);
    longjmp(output->escape, 1);
}

static _Noreturn void on_write_error(png_structp structure, png_const_charp message) {
    fail_output(png_get_error_ptr(structure), OREPA_IMAGE_CORRUPT, message);
}

static void on_write_warning(png_structp structure, png_const_charp message) {
    (void)structure;
    (void)message;
}

static void write_bytes(png_structp structure, png_bytep bytes, size_t count) {
    struct png_output *output = png_get_io_ptr(structure);
    if (count > output->capacity - output->count) {
        size_t capacity = output->capacity < 4096 ? 4096 : output->capacity;
        while (capacity - output->count < count) {
            if (capacity > SIZE_MAX / 2) {
                fail_output(output, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
            }
            capacity *= 2;
        }
        uint8_t *grown = realloc(output->bytes, capacity);
        if (grown == NULL) fail_output(output, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
        output->bytes = grown;
        output->capacity = capacity;
    }
    memcpy(output->bytes + output->count, bytes, count);
    output->count += count;
}

static void flush_bytes(png_structp structure) { (void)structure; }

static void encode(struct png_output *output, const uint8_t *pixels, uint32_t width,
                   uint32_t height) {
    if (setjmp(output->escape)) return;
    output->png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, output, on_write_error, on_write_warning);
    output->info = output->png == NULL ? NULL : png_create_info_struct(output->png);
    if (output->info == NULL) fail_output(output, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
    png_set_user_limits(output->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(output->png, output, write_bytes, flush_bytes);
    png_set_IHDR(output->png, output->info, width, height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(output->png, output->info);
    for (uint32_t y = 0; y < height; y++) {
        png_write_row(output->png, pixels + (size_t)y * width * 3);
    }
    png_write_end(output->png, output->info);
}

orepa_image_status orepa_png_write(const uint8_t *pixels, uint32_t width, uint32_t height,
                                   uint8_t **bytes, size_t *count, orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    *bytes = NULL;
    *count = 0;
    struct png_output output = {.error = error};
    encode(&output, pixels, width, height);
    if (output.png != NULL) png_destroy_write_struct(&output.png, &output.info);
    if (error->status != OREPA_IMAGE_OK) {
        free(output.bytes);
        return error->status;
    }
    *bytes = output.bytes;
    *count = output.count;
    return OREPA_IMAGE_OK;
}

void orepa_png_free(uint8_t *bytes) { free(bytes); }
