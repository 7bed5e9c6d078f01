#include "geometry.h"

orepa_winograd_geometry orepa_winograd_geometry_of(
    int32_t stride, const orepa_winograd_split *row_split, const orepa_winograd_split *column_split, int32_t images,
    int32_t row, int32_t rows)
{
    orepa_winograd_geometry geometry = {.rows = rows, .images = images};
    int8_t even = 0;
    for (int32_t i = 0; i < OREPA_WINOGRAD_KINDS; i++) {
        const int32_t row_entries = orepa_winograd_entries(row_split, stride, i, row + rows)
            - orepa_winograd_entries(row_split, stride, i, row);
        for (int32_t j = 0; j < OREPA_WINOGRAD_KINDS; j++) {
            const int32_t q = i * OREPA_WINOGRAD_KINDS + j;
            geometry.start[q] = geometry.all;
            geometry.even[q] = even;
            geometry.entries[q] = images * row_entries
                * orepa_winograd_entries(column_split, stride, j, orepa_winograd_tiles(column_split));
            geometry.all += geometry.entries[q];
            even += geometry.entries[q] % 2 == 0;
        }
    }
    return geometry;
}
