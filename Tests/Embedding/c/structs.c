// Programs made with another version of the header, whose structs have another size.
#include "test.h"

#include <stddef.h>

typedef struct longer_options {
    orepa_model_options known;
    int64_t unknown;
} longer_options;

typedef struct longer_picture {
    orepa_picture known;
    int64_t unknown;
} longer_picture;

typedef struct longer_info {
    orepa_model_info known;
    int64_t unknown;
} longer_info;

typedef struct longer_prediction {
    orepa_prediction known;
    int64_t unknown;
} longer_prediction;

static void test_sizes_that_make_no_sense(void)
{
    const size_t sizes[] = {0, 4, offsetof(orepa_model_options, log_context),
        sizeof(orepa_model_options) + 1, 5000, SIZE_MAX};
    for (int i = 0; i < 5; i++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        orepa_model *model = NULL;
        options.size = sizes[i];
        CHECK_STATUS(orepa->model_load(model_path, &options, &model), OREPA_INVALID_ARGUMENT,
            "options.size: expected sizeof(orepa_model_options)");
    }
}

// A program made with an earlier header finds its functions where they were.
static void test_table(void)
{
    const size_t pointer = sizeof(void *);
    CHECK(offsetof(orepa_api, last_error) == 2 * pointer, "last_error: found %zu", offsetof(orepa_api, last_error));
    CHECK(offsetof(orepa_api, run_tensor) == 13 * pointer, "run_tensor: found %zu", offsetof(orepa_api, run_tensor));
    CHECK(offsetof(orepa_api, answers_warning) == 29 * pointer, "answers_warning: found %zu", offsetof(orepa_api, answers_warning));
    CHECK(offsetof(orepa_api, model_metadata) == 32 * pointer, "model_metadata: found %zu", offsetof(orepa_api, model_metadata));
    CHECK(sizeof(orepa_prediction) == 32 && sizeof(orepa_values) == 48 && sizeof(orepa_picture) == 64 &&
            sizeof(orepa_run_options) == 48 && sizeof(orepa_stage) == 40, "expected that structs keep their sizes, or grow with a test here");
}

// A program made with the first header, which ends with log_context.
static void test_shorter_options(void)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.size = offsetof(orepa_model_options, maximum_jpeg_scanned_samples);
    options.png16 = 77;
    options.strict_pictures = true;
    orepa_model *model = NULL;
    if (CHECK_OK(orepa->model_load(model_path, &options, &model)))
        orepa->model_free(model);
}

static void test_longer_structs(void)
{
    longer_options options = {OREPA_MODEL_OPTIONS, 0};
    options.known.size = sizeof options;
    orepa_model *model = NULL;
    options.unknown = 1;
    CHECK_STATUS(orepa->model_load(model_path, (orepa_model_options *)&options, &model), OREPA_UNSUPPORTED, "newer library");
    options.unknown = 0;
    if (!CHECK_OK(orepa->model_load(model_path, (orepa_model_options *)&options, &model)))
        return;

    longer_info info = {OREPA_MODEL_INFO, -1};
    info.known.size = sizeof info;
    CHECK_OK(orepa->model_describe(model, &info.known));
    CHECK(info.known.class_count == CLASS_COUNT && info.known.size == sizeof info, "found %zu", info.known.class_count);
    CHECK(info.unknown == 0, "expected zero in a field that the library does not know, found %ld", (long)info.unknown);

    longer_picture pictures[3];
    for (int i = 0; i < 3; i++) {
        pictures[i] = (longer_picture){orepa_picture_file(samples[i].path), 0};
        pictures[i].known.size = sizeof pictures[i];
    }
    orepa_answers *answers = NULL;
    CHECK_OK(orepa->run(model, &pictures[0].known, 3, NULL, &answers));
    for (size_t i = 0; i < 3; i++) {
        orepa_values values = OREPA_VALUES;
        CHECK_OK(orepa->answers_logits(answers, i, &values));
        check_bits(values.values, samples[i].logits, CLASS_COUNT, "longer pictures");
    }
    longer_prediction top[2] = {{OREPA_PREDICTION, -1}, {OREPA_PREDICTION, -1}};
    top[0].known.size = top[1].known.size = sizeof top[0];
    size_t count = 2;
    CHECK_OK(orepa->answers_top(answers, 0, &top[0].known, &count));
    CHECK(top[1].known.logit <= top[0].known.logit && top[1].known.label && top[1].unknown == 0,
        "found %g, %g", top[0].known.logit, top[1].known.logit);
    top[1].known.size -= 8;
    CHECK_STATUS(orepa->answers_top(answers, 0, &top[0].known, &count), OREPA_INVALID_ARGUMENT, "predictions[1].size");
    orepa->answers_free(answers);

    pictures[1].unknown = 1;
    CHECK_STATUS(orepa->run(model, &pictures[0].known, 3, NULL, &answers), OREPA_UNSUPPORTED, "pictures[1]");
    pictures[1].unknown = 0;
    pictures[2].known.size -= 8;
    CHECK_STATUS(orepa->run(model, &pictures[0].known, 3, NULL, &answers), OREPA_INVALID_ARGUMENT, "pictures[2].size");
    orepa->model_free(model);
}

void test_structs(void)
{
    test_table();
    test_sizes_that_make_no_sense();
    test_shorter_options();
    test_longer_structs();
}
