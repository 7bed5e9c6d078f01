#include "png_pixels.h"

#include <string.h>

enum { GREY = 0, COLOUR = 2, PALETTE = 3, GREY_ALPHA = 4, COLOUR_ALPHA = 6 };

unsigned orepa_png_pixel_bits(const orepa_png_layout *layout) {
    const unsigned depth = layout->bit_depth;
    const bool is_small = depth == 1 || depth == 2 || depth == 4;
    const bool is_large = depth == 8 || depth == 16;
    switch (layout->colour_type) {
        case GREY: return is_small || is_large ? depth : 0;
        case COLOUR: return is_large ? 3 * depth : 0;
        case PALETTE: return is_small || depth == 8 ? depth : 0;
        case GREY_ALPHA: return is_large ? 2 * depth : 0;
        case COLOUR_ALPHA: return is_large ? 4 * depth : 0;
        default: return 0;
    }
}

static inline void put_grey(uint8_t *pixel, uint8_t value) {
    pixel[0] = value;
    pixel[1] = value;
    pixel[2] = value;
}

/* Sample `x` of several to a byte, the first in the highest bits. */
static inline uint8_t small_sample(const uint8_t *row, size_t x, unsigned depth) {
    const size_t bit = x * depth;
    return (uint8_t)(row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1));
}

static inline __attribute__((always_inline)) void unpack(const orepa_png_layout *layout,
                                                         const uint8_t *row, size_t count,
                                                         uint8_t *pixels, const size_t step) {
    const unsigned depth = layout->bit_depth;
    /* 255 divided by the largest sample of fewer than 8 bits. */
    const unsigned scale = depth == 1 ? 255 : depth == 2 ? 85 : 17;
    /* Bytes of a sample, of which the first is the high one. */
    const size_t sample = depth / 8;
    switch (layout->colour_type) {
        case GREY:
            if (depth == 16 && layout->clips_grey) {
                for (size_t x = 0; x < count; x++, pixels += step) {
                    put_grey(pixels, row[2 * x] == 0 ? row[2 * x + 1] : 255);
                }
            } else if (depth >= 8) {
                for (size_t x = 0; x < count; x++, pixels += step) put_grey(pixels, row[x * sample]);
            } else {
                for (size_t x = 0; x < count; x++, pixels += step) {
                    put_grey(pixels, (uint8_t)(small_sample(row, x, depth) * scale));
                }
            }
            break;
        case GREY_ALPHA:
            for (size_t x = 0; x < count; x++, pixels += step) put_grey(pixels, row[x * 2 * sample]);
            break;
        case PALETTE:
            for (size_t x = 0; x < count; x++, pixels += step) {
                const uint8_t index = depth == 8 ? row[x] : small_sample(row, x, depth);
                memcpy(pixels, layout->palette + 3 * index, 3);
            }
            break;
        default: {
            const size_t size = (layout->colour_type == COLOUR ? 3 : 4) * sample;
            for (size_t x = 0; x < count; x++, pixels += step, row += size) {
                pixels[0] = row[0];
                pixels[1] = row[sample];
                pixels[2] = row[2 * sample];
            }
        }
    }
}

void orepa_png_unpack(const orepa_png_layout *layout, const uint8_t *row, size_t count,
                      uint8_t *pixels, size_t step) {
    if (step != 1) {
        unpack(layout, row, count, pixels, 3 * step);
    } else if (layout->colour_type == COLOUR && layout->bit_depth == 8) {
        memcpy(pixels, row, 3 * count);
    } else {
        unpack(layout, row, count, pixels, 3);
    }
}
