/* PNG's filters, undone. */
#ifndef COREPAIMAGE_PNG_FILTER_H
#define COREPAIMAGE_PNG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Readable bytes that have to follow both rows. */
enum { OREPA_PNG_PADDING = 16 };

/* Makes the bytes from `start` to `end` of `row`, as filtered, into what they were; those before `start` have been
 * unfiltered already; `above` is the row above, unfiltered. A pixel has `pixel` bytes, 1 to 8, and `start` is where
 * one begins. False for a filter that there is not. */
bool orepa_png_unfilter(unsigned filter, uint8_t *row, const uint8_t *above, size_t start,
                        size_t end, size_t pixel);

#endif
