#include "COrepaImage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "png_filter.h"
#include "png_pixels.h"

/* A pass of PNG's interlacing (Adam7): its first column and row, and the distance of columns and of rows. */
static const struct pass {
    uint32_t column, row, column_step, row_step;
} interlaced[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                  {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}},
  whole = {0, 0, 1, 1};
enum { PASS_COUNT = sizeof interlaced / sizeof *interlaced };

/* What is decompressed behind the last row only to see whether the checksum is right. */
enum { DRAIN_BYTES = 1 << 20, DRAIN_BLOCK = 4096 };

struct orepa_png {
    orepa_png_layout layout;
    z_stream stream;
    unsigned bits;
    /* The present row with its filter before it, and the row above likewise; each in `memory`. */
    uint8_t *row;
    uint8_t *above;
    size_t row_size;
    /* Bytes of the present row that are there, its filter included. */
    size_t filled;
    unsigned pass;
    uint32_t y;
    size_t drained;
    bool has_ended;
    uint8_t memory[];
};

static orepa_image_status fail(orepa_image_error *error, orepa_image_status status,
                               const char *message) {
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s", message);
    return status;
}

static orepa_image_status fail_as_zlib(const orepa_png *png, int result, orepa_image_error *error) {
    if (result == Z_MEM_ERROR) return fail(error, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
    return fail(error, OREPA_IMAGE_CORRUPT,
                png->stream.msg == NULL ? "the image data are damaged" : png->stream.msg);
}

static const struct pass *pass(const orepa_png *png) {
    return png->layout.is_interlaced ? &interlaced[png->pass] : &whole;
}

static uint32_t columns(const orepa_png *png) {
    const struct pass *p = pass(png);
    const uint32_t width = png->layout.width;
    return width <= p->column ? 0 : (width - p->column - 1) / p->column_step + 1;
}

static size_t bytes_of(const orepa_png *png, uint32_t pixels) {
    return (size_t)(((uint64_t)pixels * png->bits + 7) / 8);
}

/* Bytes of the longest row, 0 where they are too many. */
static size_t longest_row(const orepa_png_layout *layout) {
    const uint64_t bytes = ((uint64_t)layout->width * orepa_png_pixel_bits(layout) + 7) / 8;
    return bytes >= INT_MAX ? 0 : (size_t)bytes;
}

static size_t row_memory(size_t longest) { return 1 + longest + OREPA_PNG_PADDING; }

uint64_t orepa_png_row_memory(const orepa_png_layout *layout) {
    const size_t longest = longest_row(layout);
    return longest == 0 ? UINT64_MAX : sizeof(orepa_png) + 2 * row_memory(longest);
}

orepa_png *orepa_png_open(const orepa_png_layout *layout, orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    const size_t longest = longest_row(layout);
    if (longest == 0) {
        fail(error, OREPA_IMAGE_UNSUPPORTED, "rows of 2^31 bytes or more");
        return NULL;
    }
    orepa_png *png = calloc(1, sizeof *png + 2 * row_memory(longest));
    if (png == NULL) {
        fail(error, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    png->layout = *layout;
    png->bits = orepa_png_pixel_bits(layout);
    png->row = png->memory;
    png->above = png->memory + row_memory(longest);
    png->row_size = bytes_of(png, columns(png));
    png->y = pass(png)->row;
    if (inflateInit(&png->stream) != Z_OK) {
        fail(error, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
        free(png);
        return NULL;
    }
    return png;
}

void orepa_png_close(orepa_png *png) {
    if (png == NULL) return;
    inflateEnd(&png->stream);
    free(png);
}

/* Goes to the next row, which in the first row of a pass has nothing above. */
static void go_on(orepa_png *png) {
    uint8_t *above = png->above;
    png->above = png->row;
    png->row = above;
    png->filled = 0;
    const uint32_t height = png->layout.height;
    const uint32_t step = pass(png)->row_step;
    png->y = height - png->y > step ? png->y + step : height;
    if (!png->layout.is_interlaced) return;
    while (png->y >= height || png->row_size == 0) {
        if (++png->pass == PASS_COUNT) {
            png->y = height;
            return;
        }
        png->y = pass(png)->row;
        png->row_size = bytes_of(png, columns(png));
        memset(png->above, 0, row_memory(longest_row(&png->layout)));
    }
}

static orepa_image_status finish_row(orepa_png *png, uint8_t *pixels, orepa_image_error *error) {
    const size_t pixel = png->bits < 8 ? 1 : png->bits / 8;
    if (!orepa_png_unfilter(png->row[0], png->row + 1, png->above + 1, png->row_size, pixel)) {
        return fail(error, OREPA_IMAGE_CORRUPT, "unknown filter of a row");
    }
    const struct pass *p = pass(png);
    orepa_png_unpack(&png->layout, png->row + 1, columns(png),
                     pixels + png->layout.stride * png->y + (size_t)3 * p->column, p->column_step);
    go_on(png);
    return OREPA_IMAGE_OK;
}

orepa_image_status orepa_png_read(orepa_png *png, const uint8_t *bytes, size_t count,
                                  uint8_t *pixels, orepa_image_check check,
                                  orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    png->stream.next_in = (z_const Bytef *)bytes;
    png->stream.avail_in = (uInt)count;
    while (png->stream.avail_in > 0) {
        const size_t wanted = 1 + png->row_size;
        png->stream.next_out = png->row + png->filled;
        png->stream.avail_out = (uInt)(wanted - png->filled);
        const int result = inflate(&png->stream, Z_NO_FLUSH);
        if (result < 0) return fail_as_zlib(png, result, error);
        png->filled = wanted - png->stream.avail_out;
        if (png->filled < wanted) break;
        if (finish_row(png, pixels, error) != OREPA_IMAGE_OK) return error->status;
        png->has_ended = result == Z_STREAM_END;
        if (png->y >= png->layout.height || png->has_ended) return OREPA_IMAGE_OK;
        if (check.is_interrupted != NULL && check.is_interrupted(check.context)) {
            return fail(error, OREPA_IMAGE_INTERRUPTED, "interrupted");
        }
    }
    return OREPA_IMAGE_MORE;
}

bool orepa_png_is_short(const orepa_png *png) { return png->y < png->layout.height; }

orepa_image_status orepa_png_drain(orepa_png *png, const uint8_t *bytes, size_t count,
                                   orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    if (bytes != NULL) {
        png->stream.next_in = (z_const Bytef *)bytes;
        png->stream.avail_in = (uInt)count;
    }
    while (!png->has_ended) {
        if (png->drained >= DRAIN_BYTES) return OREPA_IMAGE_TOO_LARGE;
        uint8_t nowhere[DRAIN_BLOCK];
        png->stream.next_out = nowhere;
        png->stream.avail_out = sizeof nowhere;
        const int result = inflate(&png->stream, Z_NO_FLUSH);
        png->drained += sizeof nowhere - png->stream.avail_out;
        if (result == Z_BUF_ERROR) return OREPA_IMAGE_MORE;
        if (result < 0) return fail_as_zlib(png, result, error);
        png->has_ended = result == Z_STREAM_END;
        if (!png->has_ended && png->stream.avail_in == 0 && png->stream.avail_out > 0) {
            return OREPA_IMAGE_MORE;
        }
    }
    return OREPA_IMAGE_OK;
}

uint32_t orepa_png_checksum(uint32_t before, const uint8_t *bytes, size_t count) {
    return (uint32_t)crc32_z(before, bytes, count);
}

int64_t orepa_png_decompressed_size(const uint8_t *bytes, size_t count, size_t limit) {
    z_stream stream = {0};
    if (count > UINT_MAX || inflateInit(&stream) != Z_OK) return -2;
    stream.next_in = (z_const Bytef *)bytes;
    stream.avail_in = (uInt)count;
    size_t size = 0;
    int result = Z_OK;
    while (result == Z_OK && size < limit) {
        uint8_t nowhere[DRAIN_BLOCK];
        const size_t rest = limit - size;
        const size_t room = rest < sizeof nowhere ? rest : sizeof nowhere;
        stream.next_out = nowhere;
        stream.avail_out = (uInt)room;
        result = inflate(&stream, Z_SYNC_FLUSH);
        size += room - stream.avail_out;
    }
    const bool is_left = result == Z_OK && size >= limit && stream.avail_in > 0;
    inflateEnd(&stream);
    if (is_left) return -1;
    return result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END ? (int64_t)size : -2;
}
