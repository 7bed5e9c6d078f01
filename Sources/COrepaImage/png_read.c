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

/* Bytes that are decompressed, and of a row unfiltered, before the caller is asked again whether to go on. The latter
 * are whole pixels of any kind. */
enum { BLOCK = 1 << 17, SEGMENT = 3 << 15 };

/* What is decompressed behind the last row only to see whether the checksum is right. */
enum { DRAIN_BYTES = 1 << 20, DRAIN_BLOCK = 4096 };

struct orepa_png {
    orepa_png_layout layout;
    z_stream stream;
    unsigned bits;
    /* Pixels of a row of the present pass, and their bytes, without the row's filter. */
    uint32_t row_count;
    size_t row_size;
    /* The last row of the block before, unfiltered. */
    uint8_t *above;
    /* Rows as decompressed, each with its filter before it; room for at least one. */
    uint8_t *block;
    size_t block_size;
    /* Bytes of the block that are there. */
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

static void begin_pass(orepa_png *png) {
    const struct pass *p = pass(png);
    const uint32_t width = png->layout.width;
    png->row_count = width <= p->column ? 0 : (width - p->column - 1) / p->column_step + 1;
    png->row_size = (size_t)(((uint64_t)png->row_count * png->bits + 7) / 8);
    png->y = p->row;
}

/* Bytes of the longest row, 0 where they are too many. */
static size_t longest_row(const orepa_png_layout *layout) {
    const uint64_t bytes = ((uint64_t)layout->width * orepa_png_pixel_bits(layout) + 7) / 8;
    return bytes >= INT_MAX ? 0 : (size_t)bytes;
}

static size_t block_size(size_t longest) { return 1 + longest < BLOCK ? BLOCK : 1 + longest; }

static size_t memory_size(size_t longest) {
    return longest + block_size(longest) + 2 * OREPA_PNG_PADDING;
}

uint64_t orepa_png_row_memory(const orepa_png_layout *layout) {
    const size_t longest = longest_row(layout);
    return longest == 0 ? UINT64_MAX : sizeof(orepa_png) + memory_size(longest);
}

orepa_png *orepa_png_open(const orepa_png_layout *layout, orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    const size_t longest = longest_row(layout);
    if (longest == 0) {
        fail(error, OREPA_IMAGE_UNSUPPORTED, "rows of 2^31 bytes or more");
        return NULL;
    }
    orepa_png *png = calloc(1, sizeof *png + memory_size(longest));
    if (png == NULL) {
        fail(error, OREPA_IMAGE_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    png->layout = *layout;
    png->bits = orepa_png_pixel_bits(layout);
    png->above = png->memory;
    png->block = png->memory + longest + OREPA_PNG_PADDING;
    png->block_size = block_size(longest);
    begin_pass(png);
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

/* Rows of the present pass that are left, the present one included. */
static uint32_t rows_left(const orepa_png *png) {
    return (png->layout.height - png->y - 1) / pass(png)->row_step + 1;
}

/* Goes to the next row. Returns whether it is the first of a pass, which has nothing above. */
static bool go_on(orepa_png *png) {
    const uint32_t height = png->layout.height;
    const uint32_t step = pass(png)->row_step;
    png->y = height - png->y > step ? png->y + step : height;
    if (!png->layout.is_interlaced || png->y < height) return false;
    while (png->y >= height || png->row_size == 0) {
        if (++png->pass == PASS_COUNT) {
            png->y = height;
            break;
        }
        begin_pass(png);
    }
    return true;
}

static bool is_interrupted(orepa_image_check check, orepa_image_error *error) {
    if (check.is_interrupted == NULL || !check.is_interrupted(check.context)) return false;
    fail(error, OREPA_IMAGE_INTERRUPTED, "interrupted");
    return true;
}

/* Unfilters `row`, which begins with its filter, and writes its pixels. */
static orepa_image_status finish_row(const orepa_png *png, uint8_t *row, const uint8_t *above,
                                     uint8_t *pixels, orepa_image_check check,
                                     orepa_image_error *error) {
    const size_t pixel = png->bits < 8 ? 1 : png->bits / 8;
    const size_t size = png->row_size;
    for (size_t start = 0; start < size || start == 0; start += SEGMENT) {
        if (start > 0 && is_interrupted(check, error)) return error->status;
        const size_t end = size - start < SEGMENT ? size : start + SEGMENT;
        if (!orepa_png_unfilter(row[0], row + 1, above, start, end, pixel)) {
            return fail(error, OREPA_IMAGE_CORRUPT, "unknown filter of a row");
        }
    }
    const struct pass *p = pass(png);
    const size_t count = png->row_count;
    uint8_t *target = pixels + png->layout.stride * png->y + (size_t)3 * p->column;
    for (size_t start = 0; start < count; start += SEGMENT) {
        if (start > 0 && is_interrupted(check, error)) return error->status;
        orepa_png_unpack(&png->layout, row + 1 + start / 8 * png->bits,
                         count - start < SEGMENT ? count - start : SEGMENT,
                         target + 3 * start * p->column_step, p->column_step);
    }
    return OREPA_IMAGE_OK;
}

/* Finishes the whole rows of the block and keeps the rest. */
static orepa_image_status finish_rows(orepa_png *png, uint8_t *pixels, orepa_image_check check,
                                      orepa_image_error *error) {
    const size_t size = 1 + png->row_size;
    const size_t count = png->filled / size;
    const uint8_t *above = png->above;
    bool is_first_of_pass = false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *row = png->block + i * size;
        if (finish_row(png, row, above, pixels, check, error) != OREPA_IMAGE_OK) {
            return error->status;
        }
        above = row + 1;
        is_first_of_pass = go_on(png);
    }
    const size_t kept = count == 0 ? 0 : is_first_of_pass ? png->row_size : size - 1;
    for (size_t start = 0; start < kept; start += SEGMENT) {
        if (start > 0 && is_interrupted(check, error)) return error->status;
        const size_t part = kept - start < SEGMENT ? kept - start : SEGMENT;
        if (is_first_of_pass) {
            memset(png->above + start, 0, part);
        } else {
            memcpy(png->above + start, above + start, part);
        }
    }
    png->filled -= count * size;
    memmove(png->block, png->block + count * size, png->filled);
    return OREPA_IMAGE_OK;
}

/* Pillow decompresses row by row, and what it sees of the stream's end depends on that for the last row of all. The
 * others may come several at a time: only whole rows of one pass, none of them its last. */
static size_t bytes_wanted(const orepa_png *png) {
    const size_t size = 1 + png->row_size;
    const size_t left = rows_left(png) - 1;
    const size_t room = png->block_size / size;
    const size_t rows = left < room ? left : room;
    return (rows == 0 ? 1 : rows) * size;
}

orepa_image_status orepa_png_read(orepa_png *png, const uint8_t *bytes, size_t count,
                                  uint8_t *pixels, orepa_image_check check,
                                  orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    png->stream.next_in = (z_const Bytef *)bytes;
    png->stream.avail_in = (uInt)count;
    while (png->stream.avail_in > 0) {
        if (is_interrupted(check, error)) return error->status;
        const size_t room = bytes_wanted(png) - png->filled;
        const size_t step = room < BLOCK ? room : BLOCK;
        png->stream.next_out = png->block + png->filled;
        png->stream.avail_out = (uInt)step;
        const int result = inflate(&png->stream, Z_NO_FLUSH);
        if (result < 0) return fail_as_zlib(png, result, error);
        png->filled += step - png->stream.avail_out;
        const bool has_row = png->filled > png->row_size;
        if (has_row && finish_rows(png, pixels, check, error) != OREPA_IMAGE_OK) {
            return error->status;
        }
        if (png->y >= png->layout.height) {
            png->has_ended = result == Z_STREAM_END;
            return OREPA_IMAGE_OK;
        }
        if (result == Z_STREAM_END && has_row && png->filled == 0) {
            png->has_ended = true;
            return OREPA_IMAGE_OK;
        }
        if (png->stream.avail_out > 0) break;
    }
    return OREPA_IMAGE_MORE;
}

uint32_t orepa_png_row_count(const orepa_png *png) { return png->y; }

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

int64_t orepa_png_decompress(const uint8_t *bytes, size_t count, uint8_t *target, size_t limit,
                             orepa_image_check check) {
    z_stream stream = {0};
    if (inflateInit(&stream) != Z_OK) return OREPA_PNG_DAMAGED;
    size_t size = 0;
    int result = Z_OK;
    bool is_stopped = false;
    while (result == Z_OK && size < limit) {
        if (stream.avail_in == 0 && count > 0) {
            is_stopped = check.is_interrupted != NULL && check.is_interrupted(check.context);
            if (is_stopped) break;
            const size_t part = count < BLOCK ? count : BLOCK;
            stream.next_in = (z_const Bytef *)bytes;
            stream.avail_in = (uInt)part;
            bytes += part;
            count -= part;
        }
        uint8_t nowhere[DRAIN_BLOCK];
        const size_t rest = limit - size;
        const size_t room = rest < sizeof nowhere ? rest : sizeof nowhere;
        stream.next_out = target == NULL ? nowhere : target + size;
        stream.avail_out = (uInt)room;
        result = inflate(&stream, Z_SYNC_FLUSH);
        size += room - stream.avail_out;
    }
    const bool is_left = result == Z_OK && size >= limit && (stream.avail_in > 0 || count > 0);
    inflateEnd(&stream);
    if (is_stopped) return OREPA_PNG_STOPPED;
    if (is_left) return OREPA_PNG_TOO_LARGE;
    const bool is_sound = result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END;
    return is_sound ? (int64_t)size : OREPA_PNG_DAMAGED;
}
