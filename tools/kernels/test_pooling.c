#include "test.h"

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

void test_pooling(void)
{
    const int32_t images = random_int(1, 2), channels = random_int(0, 7) ? random_int(1, 100) : random_int(200, 600);
    const int32_t height = random_int(1, 20), width = random_int(1, 20);
    const tensor a = make_tensor(orepa_map_blocked(channels, height, width, random_int(0, 1)), images);
    const tensor b = make_tensor(orepa_map_blocked(channels, height, width, random_int(0, 1)), images);

    orepa_max_pool pool = {.input = a.map, .images = images, .kernel = random_int(1, 3)};
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
    for (int i = 0; i <= (int)orepa_isa_best(); i++) {
        const orepa_isa isa = (orepa_isa)i;
        orepa_max_pool_run(&pool, isa, a.base, pooled, 0, orepa_max_pool_items(&pool));
        CHECK("max pool", isa, pool.output, pooled, images, want_max(&pool, &a, n, c, y, x))
        orepa_average_pool_run(&average, isa, a.base, mean, 0, orepa_average_pool_items(&average));
        CHECK("average pool", isa, average.output, mean, images, want_average(&a, n, c))
        orepa_addition_run(&addition, isa, a.base, b.base, sum, 0, orepa_addition_items(&addition));
        CHECK("addition", isa, addition.output, sum, images, want_sum(&addition, &a, &b, n, c, y, x))
    }
    free(pooled), free(mean), free(sum);
    free_tensor((tensor *)&a), free_tensor((tensor *)&b);
}
