// All kinds of pictures give the same bits.
#include "test.h"

static void test_samples(const orepa_model *model)
{
    orepa_picture pictures[SAMPLE_COUNT];
    orepa_answers *answers = NULL;
    for (size_t i = 0; i < sample_count; i++) {
        float logits[CLASS_COUNT];
        size_t size;
        unsigned char *bytes = read_file(samples[i].path, &size);
        run_one(model, orepa_picture_encoded(bytes, size), logits);
        check_bits(logits, samples[i].logits, CLASS_COUNT, "encoded");
        free(bytes);
        run_one(model, orepa_picture_file(samples[i].path), logits);
        check_bits(logits, samples[i].logits, CLASS_COUNT, "file");
        pictures[i] = orepa_picture_file(samples[i].path);
    }
    if (!CHECK_OK(orepa->run(model, pictures, sample_count, NULL, &answers)))
        return;
    CHECK(orepa->answers_count(answers) == sample_count, "found %zu answers", orepa->answers_count(answers));
    for (size_t i = 0; i < sample_count; i++) {
        orepa_values values = OREPA_VALUES;
        CHECK_OK(orepa->answers_logits(answers, i, &values));
        check_bits(values.values, samples[i].logits, CLASS_COUNT, "batch");
    }
    orepa->answers_free(answers);
}

// The pixels of `rgb` in another order, with `gap` bytes after each row but the last.
static unsigned char *ordered(const unsigned char *rgb, size_t width, size_t height, int32_t order,
    size_t gap, size_t *size)
{
    const size_t bytes[] = {3, 3, 4, 4};
    size_t row = width * bytes[order] + gap;
    *size = row * (height - 1) + width * bytes[order];
    unsigned char *result = malloc(*size);
    memset(result, 0xa5, *size);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t channel = 0; channel < 3; channel++) {
                bool is_reversed = order == OREPA_ORDER_BGR || order == OREPA_ORDER_BGRA;
                size_t place = is_reversed ? 2 - channel : channel;
                result[y * row + x * bytes[order] + place] = rgb[(y * width + x) * 3 + channel];
            }
    return result;
}

static void test_pixels(const orepa_model *model)
{
    const size_t width = 83, height = 61;
    size_t size;
    unsigned char *rgb = read_data("gradient.rgb", &size);
    char path[1024];
    float expected[CLASS_COUNT], logits[CLASS_COUNT];
    snprintf(path, sizeof path, "%s/gradient.png", data_folder);
    run_one(model, orepa_picture_file(path), expected);
    for (int32_t order = OREPA_ORDER_RGB; order <= OREPA_ORDER_BGRA; order++)
        for (size_t gap = is_slow ? 13 : 0; gap <= 13; gap += 13) {
            size_t ordered_size;
            unsigned char *pixels = ordered(rgb, width, height, order, gap, &ordered_size);
            size_t row = gap == 0 ? 0 : width * (order < OREPA_ORDER_RGBA ? 3 : 4) + gap;
            run_one(model, orepa_picture_pixels(pixels, ordered_size, width, height, row, order), logits);
            check_bits(logits, expected, CLASS_COUNT, "pixels");
            free(pixels);
        }
    // Grey is three equal channels.
    unsigned char *grey = malloc(width * height);
    for (size_t i = 0; i < width * height; i++) {
        grey[i] = rgb[i * 3];
        rgb[i * 3 + 1] = rgb[i * 3 + 2] = rgb[i * 3];
    }
    run_one(model, orepa_picture_pixels(rgb, size, width, height, 0, OREPA_ORDER_RGB), expected);
    run_one(model, orepa_picture_pixels(grey, width * height, width, height, 0, OREPA_ORDER_GREY), logits);
    check_bits(logits, expected, CLASS_COUNT, "grey");
    free(grey);
    free(rgb);
}

static void test_tensors(const orepa_model *model)
{
    size_t size;
    unsigned char *pixels = read_data("square.rgb", &size);
    float *values = normalised(pixels);
    float expected[CLASS_COUNT], logits[CLASS_COUNT];
    run_one(model, orepa_picture_pixels(pixels, size, SIDE, SIDE, 0, OREPA_ORDER_RGB), expected);
    run_one(model, orepa_picture_tensor(values, INPUT_COUNT), logits);
    check_bits(logits, expected, CLASS_COUNT, "tensor");

    // Any number of pictures at a time.
    for (size_t count = 0; count <= 7; count += is_slow ? 5 : 1) {
        float *input = malloc((count + 1) * INPUT_COUNT * sizeof(float));
        float *output = malloc((count + 1) * CLASS_COUNT * sizeof(float));
        for (size_t i = 0; i < count; i++)
            memcpy(input + i * INPUT_COUNT, values, INPUT_COUNT * sizeof(float));
        output[count * CLASS_COUNT] = 42;
        CHECK_OK(orepa->run_tensor(model, input, count * INPUT_COUNT, count, output, count * CLASS_COUNT, NULL));
        for (size_t i = 0; i < count; i++)
            check_bits(output + i * CLASS_COUNT, expected, CLASS_COUNT, "run_tensor");
        CHECK(output[count * CLASS_COUNT] == 42, "expected that nothing is written behind the logits");
        free(input);
        free(output);
    }
    free(values);
    free(pixels);
}

static void test_mixed(const orepa_model *model)
{
    size_t size;
    unsigned char *pixels = read_data("square.rgb", &size);
    float *values = normalised(pixels);
    unsigned char garbage[100] = {1, 2, 3};
    values[7] = 0;
    orepa_picture pictures[] = {
        orepa_picture_file(samples[0].path),
        orepa_picture_file("/nowhere/missing.jpg"),
        orepa_picture_encoded(garbage, sizeof garbage),
        orepa_picture_pixels(pixels, size - 1, SIDE, SIDE, 0, OREPA_ORDER_RGB),
        orepa_picture_tensor(values, INPUT_COUNT - 1),
        orepa_picture_file(samples[1].path),
        orepa_picture_file("/"),
        orepa_picture_tensor(values, INPUT_COUNT),
    };
    const orepa_status expected[] = {
        OREPA_OK, OREPA_NOT_FOUND, OREPA_INVALID_IMAGE, OREPA_INVALID_ARGUMENT, OREPA_INVALID_ARGUMENT,
        OREPA_OK, OREPA_NOT_READABLE, OREPA_OK,
    };
    const char *words[] = {"", "/nowhere/missing.jpg", "picture 2", "pictures[3].data_size", "pictures[4].data", "", "/", ""};
    orepa_answers *answers = NULL;
    CHECK_OK(orepa->run(model, pictures, 8, NULL, &answers));
    CHECK(orepa->answers_count(answers) == 8, "found %zu answers", orepa->answers_count(answers));
    for (size_t i = 0; i < 8; i++) {
        CHECK_STATUS(orepa->answers_status(answers, i), expected[i], words[i]);
        const char *message = orepa->answers_message(answers, i);
        CHECK(message && (expected[i] == OREPA_OK ? message[0] == 0 : strstr(message, words[i]) != NULL),
            "message %zu: expected %s, found %s", i, words[i], message);
        orepa_values logits = OREPA_VALUES;
        orepa_status status = orepa->answers_logits(answers, i, &logits);
        CHECK(status == expected[i], "logits of picture %zu: found %s", i, orepa->status_name(status));
        CHECK((logits.values == NULL) == (status != OREPA_OK), "logits of picture %zu", i);
    }
    CHECK(orepa->answers_message(answers, 8) == NULL, "expected no message for a picture that is not there");
    orepa_values logits = OREPA_VALUES;
    CHECK_OK(orepa->answers_logits(answers, 5, &logits));
    check_bits(logits.values, samples[1].logits, CLASS_COUNT, "behind faulty pictures");
    orepa->answers_free(answers);

    CHECK_OK(orepa->run(model, NULL, 0, NULL, &answers));
    CHECK(orepa->answers_count(answers) == 0, "found %zu answers", orepa->answers_count(answers));
    orepa->answers_free(answers);
    free(values);
    free(pixels);
}

// A picture with zeros for its end marker is answered with a warning, or refused where the options say so.
static void test_damaged(void)
{
    size_t size;
    unsigned char *bytes = read_file(samples[0].path, &size);
    unsigned char *cut = calloc(size + 100, 1);
    memcpy(cut, bytes, size - 2);
    for (int strict = 0; strict < 2; strict++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        options.strict_pictures = strict;
        options.png16 = OREPA_PNG16_PILLOW;
        orepa_model *model = load(&options);
        orepa_picture pictures[] = {orepa_picture_encoded(cut, size + 100), orepa_picture_encoded(bytes, size)};
        orepa_answers *answers = NULL;
        CHECK_OK(orepa->run(model, pictures, 2, NULL, &answers));
        const char *warning = orepa->answers_warning(answers, 0, 0);
        if (strict) {
            CHECK_STATUS(orepa->answers_status(answers, 0), OREPA_INVALID_IMAGE, "no end-of-image marker");
            CHECK(warning == NULL, "expected no warning beside an error, found %s", warning);
        } else {
            CHECK_OK(orepa->answers_status(answers, 0));
            CHECK(warning && strstr(warning, "no end-of-image marker"), "found %s", warning ? warning : "none");
        }
        CHECK(orepa->answers_warning(answers, 0, 1) == NULL, "expected one warning");
        CHECK(orepa->answers_warning(answers, 1, 0) == NULL, "expected no warning");
        CHECK(orepa->answers_warning(answers, 2, 0) == NULL && orepa->answers_warning(NULL, 0, 0) == NULL,
            "expected NULL for what is not there");
        orepa->answers_free(answers);
        orepa->model_free(model);
    }
    free(cut);
    free(bytes);
}

void test_pictures(void)
{
    test_damaged();
    orepa_model *model = load(NULL);
    test_samples(model);
    test_pixels(model);
    test_tensors(model);
    test_mixed(model);
    orepa->model_free(model);
}
