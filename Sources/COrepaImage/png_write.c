#include "COrepaImage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

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
