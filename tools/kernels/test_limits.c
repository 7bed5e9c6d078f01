#include "test.h"

// A shape whose maps fit its window, without checks of its own.
static orepa_convolution shape_of(
    int32_t inputs, int32_t outputs, int32_t height, int32_t width, int32_t kernel, int32_t stride, int32_t padding,
    int32_t groups, bool planar)
{
    const int64_t rows = (height + 2 * (int64_t)padding - kernel) / stride + 1;
    const int64_t columns = (width + 2 * (int64_t)padding - kernel) / stride + 1;
    return (orepa_convolution){
        .input = (planar ? orepa_map_planar : orepa_map_blocked)(inputs, height, width, padding),
        .output = orepa_map_blocked(outputs, (int32_t)rows, (int32_t)columns, 0),
        .images = 1, .kernel = kernel, .stride = stride, .padding = padding, .groups = groups, .threads = 1};
}

static bool is_planned(const orepa_convolution *shape, orepa_algorithm algorithm, orepa_convolution_plan *plan)
{
    return orepa_convolution_prepare(shape, algorithm, orepa_isa_best(), NULL, plan);
}

static void refuse(const char *what, orepa_convolution shape)
{
    for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
        orepa_convolution_plan plan;
        if (is_planned(&shape, (orepa_algorithm)algorithm, &plan))
            FAIL("%s: planned as %s", what, orepa_algorithm_name((orepa_algorithm)algorithm));
    }
}

// Of a size that a random power of two is near to.
static int32_t near_power(int most)
{
    const int32_t value = 1 << random_int(0, most);
    const int32_t near = value + random_int(-1, 1);
    return near < 1 ? 1 : near > 1 << most ? 1 << most : near;
}

// Whatever is planned has sizes that follow from its shape: no product of large numbers was cut off.
static void check_random_plan(void)
{
    const int32_t groups = random_int(0, 2) ? 1 : near_power(20);
    const int64_t inputs = random_int(0, 2) ? near_power(20) : (int64_t)groups * near_power(4);
    const int64_t outputs = random_int(0, 2) ? near_power(20) : (int64_t)groups * near_power(4);
    if (inputs > OREPA_MOST_CHANNELS || outputs > OREPA_MOST_CHANNELS) return;
    const int32_t kernels[] = {1, 3, 7, near_power(10), near_power(20)};
    const int32_t kernel = kernels[random_int(0, 4)], padding = random_int(0, 1) ? kernel / 2 : near_power(20);
    const int32_t stride = random_int(0, 1) ? random_int(1, 2) : near_power(20);
    const int32_t height = near_power(random_int(0, 29)), width = near_power(random_int(0, 29));
    const orepa_convolution shape = shape_of(
        (int32_t)inputs, (int32_t)outputs, height, width, kernel, stride, padding, groups, random_int(0, 3) == 0);
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++)
        for (int algorithm = 0; algorithm < OREPA_ALGORITHM_COUNT; algorithm++) {
            orepa_convolution_plan plan;
            if (!orepa_convolution_prepare(&shape, (orepa_algorithm)algorithm, (orepa_isa)isa, NULL, &plan)) continue;
            const char *name = orepa_algorithm_name((orepa_algorithm)algorithm);
            const double weights = (double)outputs * (double)(inputs / groups) * kernel * kernel;
            if (algorithm != orepa_stem && (double)plan.packed_floats < weights) FAIL("%s: packed %zu", name, plan.packed_floats);
            if (plan.packed_floats > (size_t)1 << 45 || plan.worker_floats > (size_t)1 << 55) FAIL("%s: sizes", name);
            if (plan.pack_items < 1 || plan.items < 1) FAIL("%s: items", name);
            if (orepa_convolution_multiply_adds(&plan) < 1) FAIL("%s: multiply-adds", name);
            char text[80];
            orepa_convolution_write_tiles(&plan, text, sizeof text);
        }
}

void test_limits(int rounds)
{
    // Groups of one channel: 16 input channels are multiplied for each.
    refuse("a kernel of 11587", shape_of(2, 2, 1, 1, 11587, 1, 5793, 2, false));
    refuse("a kernel of 16383", shape_of(2, 2, 1, 1, 16383, 1, 8191, 2, false));
    refuse("a kernel of 257 in groups", shape_of(2, 2, 257, 257, 257, 1, 0, 2, false));
    refuse("a kernel of 1025", shape_of(1, 1, 1025, 1025, 1025, 1, 0, 1, false));
    refuse("a kernel of 46341", shape_of(1, 1, 1, 1, 46341, 1, 23170, 1, false));
    refuse("a kernel of 2^20", shape_of(1, 1, 1, 1, 1 << 20, 1, 1 << 19, 1, false));
    refuse("a map of 2^31 pixels", shape_of(1, 1, 1 << 15, 1 << 16, 1, 1, 0, 1, false));
    refuse("a border of 2^20 around a pixel", shape_of(1, 1, 1, 1, 1, 1, 1 << 20, 1, false));
    refuse("a width near 2^31", shape_of(1, 1, 1, INT32_MAX, 1, 1, 0, 1, false));
    refuse("a padded width near 2^31", shape_of(1, 1, 1, INT32_MAX - (1 << 21), 1, 1, 1 << 20, 1, false));
    orepa_convolution shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false);
    shape.output = orepa_map_blocked(16, 5, 4, 0);
    refuse("an output that does not fit", shape);
    shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false), shape.groups = 3;
    refuse("groups that do not divide", shape);
    shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false), shape.groups = 0;
    refuse("no groups", shape);
    shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false), shape.images = INT32_MAX;
    refuse("images", shape);
    shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false), shape.input.plane = INT64_MAX;
    refuse("a plane of 2^63 floats", shape);
    shape = shape_of(16, 16, 4, 4, 3, 1, 1, 1, false), shape.has_residual = true;
    refuse("a residual of no size", shape);

    orepa_convolution_plan plan;
    shape = shape_of(1, 1, 1024, 1024, 1024, 1, 0, 1, false);
    if (!is_planned(&shape, orepa_direct, &plan)) FAIL("a kernel of 1024 is not planned");
    if (plan.packed_floats != 16 * ((1 << 20) + 1)) FAIL("a kernel of 1024 takes %zu floats", plan.packed_floats);
    for (int round = 0; round < rounds * 20; round++) check_random_plan();
}
