#include "test.h"

#include "../../Sources/COrepaKernels/kernels.h"

typedef struct {
    orepa_map map;
    int32_t images;
    float *contiguous, *base;
} tensor;

static tensor make_tensor(orepa_map map, int32_t images)
{
    const size_t count = (size_t)map.channels * map.height * map.width * images;
    tensor made = {map, images, random_floats(count), NULL};
    for (size_t i = 0; i < count; i++)
        if (random_int(0, 500) == 0) made.contiguous[i] = NAN;
    made.base = mapped(&map, images, made.contiguous);
    return made;
}

static void free_tensor(tensor *t) { free(t->contiguous), free(t->base); }

static float element(const tensor *t, int32_t image, int32_t channel, int32_t y, int32_t x)
{
    const orepa_map *map = &t->map;
    return t->contiguous[(((int64_t)image * map->channels + channel) * map->height + y) * map->width + x];
}

static float larger(float most, float value)
{
    return isnan(most) || value <= most ? most : value;
}

static float want_max(
    const orepa_max_pool *shape, const tensor *input, int32_t image, int32_t channel, int32_t y, int32_t x)
{
    float most = -INFINITY;
    for (int32_t i = 0; i < shape->kernel; i++)
        for (int32_t j = 0; j < shape->kernel; j++) {
            const int32_t v = y * shape->stride - shape->padding + i;
            const int32_t u = x * shape->stride - shape->padding + j;
            if (v < 0 || v >= shape->input.height || u < 0 || u >= shape->input.width) continue;
            most = larger(most, element(input, image, channel, v, u));
        }
    return most;
}

static float want_average(const tensor *input, int32_t image, int32_t channel)
{
    float sum = 0;
    for (int32_t y = 0; y < input->map.height; y++)
        for (int32_t x = 0; x < input->map.width; x++) sum += element(input, image, channel, y, x);
    return sum / (float)(input->map.height * input->map.width);
}

static float want_sum(
    const orepa_addition *shape, const tensor *a, const tensor *b, int32_t image, int32_t channel,
    int32_t y, int32_t x)
{
    const float sum = element(a, image, channel, y, x) + element(b, image, channel, y, x);
    return shape->relu && sum < 0 ? 0 : sum;
}

// Compares bit by bit, but for the payload of NaN.
#define CHECK(what, isa, output, base, images, want) \
    for (int32_t n = 0; n < (images); n++) { \
        check_border(&(output), (base) + n * (output).image, what); \
        for (int32_t c = 0; c < (output).channels; c++) \
            for (int32_t y = 0; y < (output).height; y++) \
                for (int32_t x = 0; x < (output).width; x++) { \
                    const float got = (base)[n * (output).image + c / 16 * (output).plane \
                        + orepa_map_offset(&(output), y, x) + c % 16]; \
                    const float right = (want); \
                    if (isa == 0) add_to_checksum(&got, 1); \
                    if (isnan(right) ? !isnan(got) : memcmp(&got, &right, sizeof got) != 0) \
                        FAIL("%s on %s is %g, not %g", what, orepa_isa_name(isa), got, right); \
                } \
    }

static bool after_some_looks(void *context) { return --*(int *)context < 0; }

// Windows and maps that are looked at in parts give the bits of the kernel that looks at all at once, signs of zeros and
// bits of NaN included; and a pool ends when it is told to.
static void check_large_pool(int32_t height, int32_t width, int32_t stride)
{
    const orepa_map map = orepa_map_blocked(16, height, width, 0);
    float *input = floats((size_t)map.image);
    for (int64_t i = 0; i < map.image; i++) {
        const uint32_t nan = 0x7fc00000u + random_bits() % 1000;
        input[i] = random_int(0, 1) ? 0.0f : -0.0f;
        if (random_int(0, 1000) == 0) memcpy(input + i, &nan, sizeof nan);
        if (i % 16 > 10) input[i] = -random_float() * random_float();
    }
    orepa_max_pool pool = {.input = map, .images = 1, .stride = stride};
    pool.kernel = 2 * (height > width ? height : width) - 1;
    pool.padding = pool.kernel / 2;
    pool.output = orepa_map_blocked(
        16, (height + 2 * pool.padding - pool.kernel) / stride + 1, (width + 2 * pool.padding - pool.kernel) / stride + 1,
        0);
    const orepa_average_pool average = {map, orepa_map_blocked(16, 1, 1, 0), 1};
    float *output = floats((size_t)pool.output.image), *row = floats((size_t)pool.output.row);
    _Alignas(64) float mean[16], sum[16];
    for (int i = 0; i < OREPA_ISA_COUNT; i++) {
        if (!orepa_isa_is_here((orepa_isa)i)) continue;
        const orepa_isa isa = (orepa_isa)i;
        orepa_max_pool_run(&pool, isa, input, output, 0, orepa_max_pool_items(&pool), NULL);
        for (int32_t y = 0; y < pool.output.height; y++) {
            const int32_t start = y * stride - pool.padding, first = start < 0 ? 0 : start;
            const int32_t end = start + pool.kernel < height ? start + pool.kernel : height;
            const orepa_max_pool_call call = {
                .input = input + orepa_map_offset(&map, first, 0), .output = row, .input_row = map.row,
                .rows = end - first, .width = width, .outputs = pool.output.width, .kernel = pool.kernel,
                .stride = stride, .padding = pool.padding};
            orepa_singles[isa].max_pool_row(&call);
            if (memcmp(row, output + y * pool.output.row, (size_t)pool.output.row * sizeof *row) != 0)
                FAIL("max pool of %dx%d in parts: row %d on %s has other bits", height, width, y, orepa_isa_name(isa));
        }
        orepa_average_pool_run(&average, isa, input, mean, 0, orepa_average_pool_items(&average), NULL);
        for (int32_t c = 0; c < 16; c++) sum[c] = 0;
        for (int64_t at = 0; at < map.image; at++) sum[at % 16] += input[at];
        for (int32_t c = 0; c < 16; c++) {
            sum[c] /= (float)height * (float)width;
            if (isnan(sum[c]) ? !isnan(mean[c]) : memcmp(&sum[c], &mean[c], sizeof *sum) != 0)
                FAIL("average pool of %dx%d in parts is %g, not %g", height, width, mean[c], sum[c]);
        }
        int looks = 2;
        const orepa_stop stop = {after_some_looks, &looks};
        memset(output, 0xff, (size_t)pool.output.image * sizeof *output);
        orepa_max_pool_run(&pool, isa, input, output, 0, orepa_max_pool_items(&pool), &stop);
        uint32_t last;
        memcpy(&last, output + pool.output.image - 1, sizeof last);
        if (looks >= 0 || last != ~0u) FAIL("max pool of %dx%d does not end when it is told to", height, width);
    }
    free(input), free(output), free(row);
}

void test_large_pooling(void)
{
    check_large_pool(300, 310, 150);
    check_large_pool(64, 65, 7);
    check_large_pool(70000, 3, 30000);   // columns of more places than are looked at at once
    check_large_pool(2, 70000, 30000);
}

void test_pooling(void)
{
    const int32_t images = random_int(1, 2), channels = random_int(0, 7) ? random_int(1, 100) : random_int(200, 600);
    const int32_t height = random_int(1, 20), width = random_int(1, 20);
    const tensor a = make_tensor(orepa_map_blocked(channels, height, width, random_int(0, 1)), images);
    const tensor b = make_tensor(orepa_map_blocked(channels, height, width, random_int(0, 1)), images);

    orepa_max_pool pool = {.input = a.map, .images = images, .kernel = random_int(1, random_int(0, 3) ? 3 : 12)};
    pool.stride = random_int(1, 3), pool.padding = random_int(0, pool.kernel / 2);
    if (height + 2 * pool.padding < pool.kernel || width + 2 * pool.padding < pool.kernel)
        pool.kernel = 1, pool.padding = 0;
    pool.output = orepa_map_blocked(
        channels, (height + 2 * pool.padding - pool.kernel) / pool.stride + 1,
        (width + 2 * pool.padding - pool.kernel) / pool.stride + 1, random_int(0, 1));
    const orepa_average_pool average = {a.map, orepa_map_blocked(channels, 1, 1, 0), images};
    const orepa_addition addition = {
        a.map, b.map, orepa_map_blocked(channels, height, width, random_int(0, 1)), images,
        random_int(0, 1)};
    float *pooled = floats((size_t)(pool.output.image * images));
    float *mean = floats((size_t)(average.output.image * images));
    float *sum = floats((size_t)(addition.output.image * images));
    for (int i = 0; i < OREPA_ISA_COUNT; i++) {
        if (!orepa_isa_is_here((orepa_isa)i)) continue;
        const orepa_isa isa = (orepa_isa)i;
        orepa_max_pool_run(&pool, isa, a.base, pooled, 0, orepa_max_pool_items(&pool), NULL);
        CHECK("max pool", isa, pool.output, pooled, images, want_max(&pool, &a, n, c, y, x))
        orepa_average_pool_run(&average, isa, a.base, mean, 0, orepa_average_pool_items(&average), NULL);
        CHECK("average pool", isa, average.output, mean, images, want_average(&a, n, c))
        orepa_addition_run(&addition, isa, a.base, b.base, sum, 0, orepa_addition_items(&addition));
        CHECK("addition", isa, addition.output, sum, images, want_sum(&addition, &a, &b, n, c, y, x))
    }
    free(pooled), free(mean), free(sum);
    free_tensor((tensor *)&a), free_tensor((tensor *)&b);
}
