// Loading models, and what they tell about themselves.
#include "test.h"

static const char *labels[CLASS_COUNT] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
};

static void test_description(void)
{
    orepa_model *model = load(NULL);
    orepa_model_info info = OREPA_MODEL_INFO;
    CHECK_OK(orepa->model_describe(model, &info));
    CHECK(info.size == sizeof info, "size: expected that it stays, found %zu", info.size);
    CHECK(info.class_count == CLASS_COUNT, "class_count: found %zu", info.class_count);
    CHECK(info.input_channels == 3 && info.input_height == SIDE && info.input_width == SIDE,
        "input: found %zu %zu %zu", info.input_channels, info.input_height, info.input_width);
    CHECK(info.feature_count == 128, "feature_count: found %zu", info.feature_count);
    CHECK(info.stage_count == 5, "stage_count: found %zu", info.stage_count);
    CHECK(info.thread_count >= 1, "thread_count: found %zu", info.thread_count);
    CHECK(info.numerics == OREPA_NUMERICS_FAST, "numerics: found %d", info.numerics);
    CHECK(info.memory == OREPA_MEMORY_FAST, "memory: found %d", info.memory);
    CHECK(info.has_labels, "has_labels: found false");
    const char *sets[] = {"avx512", "avx2", "neon", "portable"};
    bool known = false;
    for (int i = 0; i < 4; i++)
        known = known || strcmp(sets[i], info.instruction_set) == 0;
    CHECK(known, "instruction_set: found %s", info.instruction_set);

    for (size_t i = 0; i < CLASS_COUNT; i++) {
        const char *label = NULL;
        CHECK_OK(orepa->model_label(model, i, &label));
        CHECK(label && strcmp(label, labels[i]) == 0, "label %zu: found %s", i, label);
    }
    const size_t channels[] = {32, 64, 96, 112, 128};
    for (size_t i = 0; i < 5; i++) {
        orepa_stage stage = OREPA_STAGE;
        char name[16];
        snprintf(name, sizeof name, "stage%zu", i);
        CHECK_OK(orepa->model_stage(model, i, &stage));
        CHECK(stage.name && strcmp(stage.name, name) == 0, "name: expected %s, found %s", name, stage.name);
        CHECK(stage.channels == channels[i], "%s: channels: found %zu", name, stage.channels);
        CHECK(stage.height > 0 && stage.height == stage.width && stage.height <= SIDE,
            "%s: found %zu x %zu", name, stage.height, stage.width);
    }
    orepa->model_free(model);
}

// All ways to load give the bits that the command line gives, or with strict numerics nearly those.
static void test_options(void)
{
    size_t size;
    unsigned char *bytes = read_file(model_path, &size);
    for (int way = 0; way < 7; way++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        orepa_model *model = NULL;
        if (way == 1)
            options.memory = OREPA_MEMORY_SMALL;
        if (way == 2)
            options.memory = OREPA_MEMORY_MAPPED;
        if (way == 3)
            options.skip_probe = true;
        if (way == 4)
            options.numerics = OREPA_NUMERICS_STRICT;
        if (way == 5)
            options.exif_orientation = true;
        if (way == 6) {
            unsigned char *copy = malloc(size);
            memcpy(copy, bytes, size);
            CHECK_OK(orepa->model_load_bytes(copy, size, "bytes", &options, &model));
            // The library has its own copy.
            memset(copy, 0, size);
            free(copy);
        } else {
            CHECK_OK(orepa->model_load(model_path, &options, &model));
        }
        if (!model)
            continue;
        orepa_model_info info = OREPA_MODEL_INFO;
        CHECK_OK(orepa->model_describe(model, &info));
        CHECK(info.numerics == options.numerics, "numerics: found %d", info.numerics);
        // This file holds no packed weights that could be used in place.
        CHECK(info.memory == (way == 1 ? OREPA_MEMORY_SMALL : OREPA_MEMORY_FAST), "memory: found %d", info.memory);
        float logits[CLASS_COUNT];
        run_one(model, orepa_picture_file(samples[0].path), logits);
        if (way == 4) {
            bool same = true;
            for (int i = 0; i < CLASS_COUNT; i++) {
                float difference = logits[i] - samples[0].logits[i];
                CHECK(difference < 1e-3f && difference > -1e-3f, "strict: logit %d: off by %g", i, difference);
                same = same && difference == 0;
            }
            CHECK(!same, "strict: expected other bits than with fast numerics");
        } else {
            check_bits(logits, samples[0].logits, CLASS_COUNT, "logits");
        }
        orepa->model_free(model);
    }
    free(bytes);
}

static void test_input_size(void)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.input_height = 80;
    options.input_width = 64;
    orepa_model *model = load(&options);
    orepa_model_info info = OREPA_MODEL_INFO;
    CHECK_OK(orepa->model_describe(model, &info));
    CHECK(info.input_height == 80 && info.input_width == 64, "input: found %zu x %zu", info.input_height, info.input_width);
    float logits[CLASS_COUNT];
    run_one(model, orepa_picture_file(samples[0].path), logits);
    CHECK(logits[0] != samples[0].logits[0], "expected other logits for another input size");
    orepa->model_free(model);
}

static void test_memory(void)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    orepa_memory_requirement one = OREPA_MEMORY_REQUIREMENT;
    orepa_memory_requirement four = OREPA_MEMORY_REQUIREMENT;
    orepa_model *model = load(NULL);
    CHECK_OK(orepa->model_memory(model, 1, &one));
    CHECK_OK(orepa->model_memory(model, 4, &four));
    CHECK(one.weights > 2000000 && one.weights == four.weights, "weights: found %zu, %zu", one.weights, four.weights);
    CHECK(one.per_context > 0 && one.per_context < four.per_context, "per_context: found %zu, %zu",
        one.per_context, four.per_context);
    orepa->model_free(model);
    options.memory = OREPA_MEMORY_SMALL;
    model = load(&options);
    CHECK_OK(orepa->model_memory(model, 1, &one));
    CHECK(one.weights == 0, "weights: expected 0 where they are made for each call, found %zu", one.weights);
    float logits[CLASS_COUNT];
    run_one(model, orepa_picture_file(samples[1].path), logits);
    CHECK_OK(orepa->model_trim(model));
    run_one(model, orepa_picture_file(samples[1].path), logits);
    check_bits(logits, samples[1].logits, CLASS_COUNT, "logits after model_trim");
    orepa->model_free(model);
}

// What a model may cost, and how its loading ends early.
static void test_budget(void)
{
    orepa_model *model;
    for (int way = 0; way < 4; way++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        orepa_status expected = OREPA_INVALID_MODEL;
        orepa_cancellation *cancellation = NULL;
        if (way == 0)
            options.maximum_multiply_adds = 1000;
        if (way == 1) {
            // Of a file that is read its bytes count, too.
            options.maximum_model_memory = 1000;
            expected = OREPA_NOT_READABLE;
        }
        if (way == 2) {
            options.load_timeout_nanoseconds = 1;
            expected = OREPA_DEADLINE_EXCEEDED;
        }
        if (way == 3) {
            CHECK_OK(orepa->cancellation_new(&cancellation));
            orepa->cancellation_cancel(cancellation);
            options.load_cancellation = cancellation;
            expected = OREPA_CANCELLED;
        }
        orepa_status status = orepa->model_load(model_path, &options, &model);
        CHECK(status == expected && model == NULL, "way %d: expected status %d, found %d", way, expected, status);
        if (way < 2)
            CHECK(strstr(orepa->last_error(), "expected at most") != NULL, "found %s", orepa->last_error());
        orepa->cancellation_free(cancellation);
    }
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.trust_packed_weights = true;
    options.maximum_multiply_adds = UINT64_MAX;
    CHECK(orepa->model_load(model_path, &options, &model) == OREPA_INVALID_ARGUMENT, "expected a limit for limits");
    options.maximum_multiply_adds = (uint64_t)1 << 40;
    options.maximum_model_memory = (size_t)1 << 30;
    options.load_timeout_nanoseconds = (int64_t)60 * 1000000000;
    orepa->model_free(load(&options));
    // A program that was built before these fields were there.
    options.size = offsetof(orepa_model_options, trust_packed_weights);
    orepa->model_free(load(&options));
}

typedef struct messages {
    int infos;
    int warnings;
    char last[512];
} messages;

static void take_message(void *context, int32_t level, const char *message)
{
    messages *taken = context;
    if (level == OREPA_LOG_WARNING)
        taken->warnings++;
    else if (level == OREPA_LOG_INFO)
        taken->infos++;
    snprintf(taken->last, sizeof taken->last, "%s", message);
}

static void test_log(void)
{
    messages taken = {0, 0, ""};
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.log = take_message;
    options.log_context = &taken;
    orepa->model_free(load(&options));
    CHECK(taken.infos > 0 && taken.warnings == 0, "log: found %d infos and %d warnings", taken.infos, taken.warnings);
    CHECK(strstr(taken.last, model_path) != NULL, "log: expected the model's path, found %s", taken.last);
    options.memory = OREPA_MEMORY_MAPPED;
    orepa->model_free(load(&options));
    CHECK(taken.warnings == 1, "log: expected a warning about a file without packed weights, found %d", taken.warnings);
}

void test_models(void)
{
    CHECK(orepa->size == sizeof(orepa_api), "size of the table: found %zu", orepa->size);
    CHECK(orepa_get_api(0) == NULL && orepa_get_api(2) == NULL && orepa_get_api(UINT32_MAX) == NULL,
        "expected no table for versions that do not exist");
    CHECK(strcmp(orepa->library_version, EXPECTED_VERSION) == 0, "version: found %s", orepa->library_version);
    test_description();
    test_options();
    test_input_size();
    test_memory();
    test_budget();
    test_log();
}
