/* The pixels of an unfiltered row of a PNG, as red, green and blue. */
#ifndef COREPAIMAGE_PNG_PIXELS_H
#define COREPAIMAGE_PNG_PIXELS_H

#include "COrepaImage.h"

/* Writes the `count` pixels that `row` begins with, three bytes each, `step` pixels from one to the next. */
void orepa_png_unpack(const orepa_png_layout *layout, const uint8_t *row, size_t count,
                      uint8_t *pixels, size_t step);

/* Bits of a pixel in the file; 0 for a pair of bit depth and colour type that PNG does not allow. */
unsigned orepa_png_pixel_bits(const orepa_png_layout *layout);

#endif
