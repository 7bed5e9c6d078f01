#include "test.h"

static orepa_convolution_plan prepared(const orepa_convolution *shape, orepa_algorithm algorithm)
{
    orepa_convolution_plan plan;
    if (!orepa_convolution_prepare(shape, algorithm, orepa_isa_portable, NULL, &plan))
        FAIL("%s does not take the report's shape", orepa_algorithm_name(algorithm));
    return plan;
}

static void check(const orepa_convolution_plan *plan, int64_t multiply_adds, const char *tiles)
{
    char text[80];
    orepa_convolution_write_tiles(plan, text, sizeof text);
    if (strcmp(text, tiles) != 0) FAIL("tiles are written \"%s\", not \"%s\"", text, tiles);
    const int64_t count = orepa_convolution_multiply_adds(plan);
    if (count != multiply_adds)
        FAIL(
            "%s: %lld multiply-adds counted, not %lld", tiles, (long long)count,
            (long long)multiply_adds);
    // Any size is enough, and what is beyond it stays as it is.
    for (size_t size = 1; size < sizeof text; size++) {
        char cut[80];
        memset(cut, 1, sizeof cut);
        orepa_convolution_write_tiles(plan, cut, size);
        if (strncmp(cut, text, size - 1) != 0 || strlen(cut) >= size || cut[size] != 1)
            FAIL("tiles are cut off wrongly at %zu", size);
    }
}

// Products of one tile of m outputs in one dimension: one for each input pixel that it sees.
static int64_t seen(int32_t stride, int32_t m) { return stride * (m - 1) + 3; }

void test_report(void)
{
    orepa_convolution shape = {
        .input = orepa_map_blocked(20, 14, 21, 1),
        .output = orepa_map_blocked(40, 14, 21, 0),
        .images = 3, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
    orepa_convolution_plan plan = prepared(&shape, orepa_direct);
    check(&plan, 3ll * 20 * 9 * 48 * 14 * 21, "6x1");
    // Whatever split is chosen: these are written and counted.
    plan = prepared(&shape, orepa_winograd);
    plan.winograd.rows = (orepa_winograd_split){{0, 0, 1, 0, 3}};
    plan.winograd.columns = (orepa_winograd_split){{0, 1, 0, 0, 5}};
    const int64_t rows = 3 * seen(1, 4) + seen(1, 2), columns = 5 * seen(1, 4) + seen(1, 1);
    check(&plan, 3 * 20 * 48 * rows * columns, "4+4+4+2 x 5*4+1, 6x1");

    shape.stride = 2, shape.output = orepa_map_blocked(40, 7, 11, 0);
    plan = prepared(&shape, orepa_winograd);
    plan.winograd.rows = (orepa_winograd_split){{0, 0, 0, 1, 1}};
    plan.winograd.columns = (orepa_winograd_split){{0, 0, 0, 1, 2}};
    const int64_t rows2 = seen(2, 4) + seen(2, 3), columns2 = 2 * seen(2, 4) + seen(2, 3);
    check(&plan, 3 * 20 * 48 * rows2 * columns2, "4+3 x 4+4+3, 6x1");

    shape.stride = 1, shape.groups = 5, shape.images = 1;
    shape.output = orepa_map_blocked(20, 14, 21, 0);
    plan = prepared(&shape, orepa_grouped);
    check(&plan, 32 * 9 * 4 * 14 * 21, "groups of 4");

    const orepa_convolution stem = {
        .input = orepa_map_planar(3, 19, 32, 3),
        .output = orepa_map_blocked(40, 10, 16, 0),
        .images = 2, .kernel = 7, .stride = 2, .padding = 3, .groups = 1};
    plan = prepared(&stem, orepa_stem);
    // Three strips; 7 points of even rows and 6 of odd ones.
    check(&plan, 2 * 3 * 13 * 7 * 3 * 48 * 16, "4 rows, 6x1");
}
