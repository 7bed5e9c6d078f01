// Outputs in the caller's memory.
#include "test.h"

#include <math.h>

#define STAGE_COUNT 5
#define FEATURE_COUNT 128
#define MARK 12345.0f

// Room for what a call gives, with a value before and behind each that has to stay.
typedef struct room {
    size_t picture_count;
    float *logits;
    float *features;
    float *maps[STAGE_COUNT];
    size_t map_count[STAGE_COUNT];
    char names[STAGE_COUNT][16];
    orepa_stage_output stages[STAGE_COUNT];
    orepa_outputs outputs;
} room;

static float *marked(size_t count)
{
    float *values = malloc((count + 2) * sizeof(float));
    for (size_t i = 0; i < count + 2; i++)
        values[i] = MARK;
    return values;
}

// The stages in an order that is not the network's.
static const size_t order[STAGE_COUNT] = {3, 0, 4, 1, 2};

static room make_room(const orepa_model *model, size_t picture_count)
{
    room made = {.picture_count = picture_count, .outputs = OREPA_OUTPUTS};
    made.logits = marked(picture_count * CLASS_COUNT);
    made.features = marked(picture_count * FEATURE_COUNT);
    made.outputs.logits = made.logits + 1;
    made.outputs.logit_count = picture_count * CLASS_COUNT;
    made.outputs.features = made.features + 1;
    made.outputs.feature_value_count = picture_count * FEATURE_COUNT;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        orepa_stage stage = OREPA_STAGE;
        CHECK_OK(orepa->model_stage(model, order[i], &stage));
        made.map_count[i] = stage.channels * stage.height * stage.width;
        made.maps[i] = marked(picture_count * made.map_count[i]);
        made.stages[i] = (orepa_stage_output)OREPA_STAGE_OUTPUT;
        made.stages[i].values = made.maps[i] + 1;
        made.stages[i].count = picture_count * made.map_count[i];
        snprintf(made.names[i], sizeof made.names[i], "stage%zu", order[i]);
    }
    return made;
}

// Once the struct is where it stays.
static void connect(room *made)
{
    for (size_t i = 0; i < STAGE_COUNT; i++)
        made->stages[i].name = made->names[i];
    made->outputs.stages = made->stages;
    made->outputs.stage_count = STAGE_COUNT;
}

static void check_marks(const room *made)
{
    const size_t count = made->picture_count;
    CHECK(made->logits[0] == MARK && made->logits[count * CLASS_COUNT + 1] == MARK, "expected logits within their memory");
    CHECK(made->features[0] == MARK && made->features[count * FEATURE_COUNT + 1] == MARK, "expected features within their memory");
    for (size_t i = 0; i < STAGE_COUNT; i++)
        CHECK(made->maps[i][0] == MARK && made->maps[i][count * made->map_count[i] + 1] == MARK,
            "expected maps of stage%zu within their memory", order[i]);
}

static void free_room(room *made)
{
    free(made->logits);
    free(made->features);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        free(made->maps[i]);
}

// What `run` gives for a picture is at its place.
static void check_picture(const room *made, size_t place, const orepa_answers *answers, size_t index)
{
    orepa_values values = OREPA_VALUES;
    CHECK_OK(orepa->answers_logits(answers, index, &values));
    check_bits(made->outputs.logits + place * CLASS_COUNT, values.values, values.count, "logits");
    CHECK_OK(orepa->answers_features(answers, index, &values));
    check_bits(made->outputs.features + place * FEATURE_COUNT, values.values, values.count, "features");
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        CHECK_OK(orepa->answers_stage(answers, index, made->stages[i].name, &values));
        if (CHECK(values.count == made->map_count[i], "found %zu", values.count))
            check_bits(made->stages[i].values + place * values.count, values.values, values.count, made->stages[i].name);
    }
}

static bool all_nan(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            return false;
    return true;
}

static orepa_answers *run_all(const orepa_model *model, const orepa_picture *pictures, size_t count)
{
    static const char *stages[] = {"stage0", "stage1", "stage2", "stage3", "stage4"};
    orepa_run_options options = OREPA_RUN_OPTIONS;
    orepa_answers *answers = NULL;
    options.features = true;
    options.stages = stages;
    options.stage_count = STAGE_COUNT;
    CHECK_OK(orepa->run(model, pictures, count, &options, &answers));
    return answers;
}

static void test_pictures_into(const orepa_model *model)
{
    orepa_picture pictures[SAMPLE_COUNT + 3];
    size_t count = 0;
    // At fault: the first, two in the middle, the last.
    pictures[count++] = orepa_picture_file("/nowhere/none.jpg");
    for (size_t i = 0; i < sample_count; i++) {
        pictures[count++] = orepa_picture_file(samples[i].path);
        if (i == 0) {
            pictures[count++] = orepa_picture_encoded("GIF89a", 6);
            pictures[count++] = (orepa_picture)OREPA_PICTURE;
        }
    }
    orepa_answers *expected = run_all(model, pictures, count);
    room made = make_room(model, count);
    connect(&made);
    orepa_answers *answers = NULL;
    orepa_run_options options = OREPA_RUN_OPTIONS;
    options.timeout_nanoseconds = (int64_t)600 * 1000000000;
    CHECK_OK(orepa->run_into(model, pictures, count, &made.outputs, &options, &answers));
    check_marks(&made);
    CHECK(orepa->answers_count(answers) == count, "found %zu answers", orepa->answers_count(answers));
    for (size_t i = 0; i < count; i++) {
        orepa_status status = orepa->answers_status(expected, i);
        CHECK(orepa->answers_status(answers, i) == status, "picture %zu: expected %s", i, orepa->status_name(status));
        CHECK(strcmp(orepa->answers_message(answers, i), orepa->answers_message(expected, i)) == 0,
            "picture %zu: found %s", i, orepa->answers_message(answers, i));
        if (status == OREPA_OK) {
            check_picture(&made, i, expected, i);
            continue;
        }
        CHECK(all_nan(made.outputs.logits + i * CLASS_COUNT, CLASS_COUNT) &&
                all_nan(made.outputs.features + i * FEATURE_COUNT, FEATURE_COUNT) &&
                all_nan(made.stages[2].values + i * made.map_count[2], made.map_count[2]),
            "picture %zu: expected NaN for one that is at fault", i);
    }
    // The answers have no values.
    orepa_values values = OREPA_VALUES;
    orepa_prediction top = OREPA_PREDICTION;
    size_t top_count = 1;
    CHECK_STATUS(orepa->answers_logits(answers, 1, &values), OREPA_INVALID_ARGUMENT, "answers: expected of `run`, found of `run_into`");
    CHECK_STATUS(orepa->answers_features(answers, 1, &values), OREPA_INVALID_ARGUMENT, "run_into");
    CHECK_STATUS(orepa->answers_top(answers, 1, &top, &top_count), OREPA_INVALID_ARGUMENT, "run_into");
    CHECK_STATUS(orepa->answers_logits(answers, 0, &values), OREPA_NOT_FOUND, "/nowhere/none.jpg");
    orepa->answers_free(answers);

    // Without answers the first one at fault fails the call.
    if (!is_slow)
        CHECK_STATUS(orepa->run_into(model, pictures, count, &made.outputs, NULL, NULL), OREPA_NOT_FOUND, "/nowhere/none.jpg: no such file");
    CHECK_STATUS(orepa->run_into(model, pictures + 2, 1, &made.outputs, NULL, NULL), OREPA_INVALID_ARGUMENT, "outputs.logits: expected 10 values");
    free_room(&made);
    made = make_room(model, 1);
    connect(&made);
    CHECK_STATUS(orepa->run_into(model, pictures + 2, 1, &made.outputs, NULL, NULL), OREPA_INVALID_IMAGE, "picture 0");
    CHECK_OK(orepa->run_into(model, pictures + 1, 1, &made.outputs, NULL, NULL));
    check_picture(&made, 0, expected, 1);
    orepa->answers_free(expected);
    free_room(&made);
}

// A picture that is damaged and answered all the same has its warning.
static void test_warnings_into(const orepa_model *model)
{
    size_t size;
    unsigned char *bytes = read_file(samples[0].path, &size);
    // Bytes that are no marker in the place of the last one.
    bytes = realloc(bytes, size + 58);
    memset(bytes + size - 2, 0, 60);
    orepa_picture picture = orepa_picture_encoded(bytes, size + 58);
    float logits[CLASS_COUNT];
    orepa_outputs outputs = OREPA_OUTPUTS;
    orepa_answers *answers = NULL;
    outputs.logits = logits;
    outputs.logit_count = CLASS_COUNT;
    CHECK_OK(orepa->run_into(model, &picture, 1, &outputs, NULL, &answers));
    const char *warning = orepa->answers_warning(answers, 0, 0);
    CHECK(warning && strstr(warning, "damaged") && !orepa->answers_warning(answers, 0, 1), "found %s", warning ? warning : "no warning");
    check_bits(logits, samples[0].logits, CLASS_COUNT, "logits of a damaged picture");
    orepa->answers_free(answers);
    free(bytes);
}

static void test_tensors_into(const orepa_model *model)
{
    enum { MOST = 5 };
    const size_t count = is_slow ? 1 : MOST;
    size_t size;
    unsigned char *pixels = read_data("square.rgb", &size);
    float *values = normalised(pixels);
    float *input = malloc(count * INPUT_COUNT * sizeof(float));
    orepa_picture pictures[MOST];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < INPUT_COUNT; j++)
            input[i * INPUT_COUNT + j] = values[j] / (float)(i + 1);
        pictures[i] = orepa_picture_tensor(input + i * INPUT_COUNT, INPUT_COUNT);
    }
    orepa_answers *expected = run_all(model, pictures, count);
    room made = make_room(model, count);
    connect(&made);
    CHECK_OK(orepa->run_tensor_into(model, input, count * INPUT_COUNT, count, &made.outputs, NULL));
    check_marks(&made);
    for (size_t i = 0; i < count; i++)
        check_picture(&made, i, expected, i);
    free_room(&made);
    made = make_room(model, count);
    connect(&made);
    CHECK_OK(orepa->run_into(model, pictures, count, &made.outputs, NULL, NULL));
    for (size_t i = 0; i < count; i++)
        check_picture(&made, i, expected, i);

    // Logits alone, and one stage alone beside them.
    float logits[MOST * CLASS_COUNT];
    orepa_outputs outputs = OREPA_OUTPUTS;
    outputs.logits = logits;
    outputs.logit_count = count * CLASS_COUNT;
    CHECK_OK(orepa->run_tensor_into(model, input, count * INPUT_COUNT, count, &outputs, NULL));
    check_bits(logits, made.outputs.logits, count * CLASS_COUNT, "logits alone");
    float *map = malloc(count * made.map_count[2] * sizeof(float));
    orepa_stage_output stage = OREPA_STAGE_OUTPUT;
    stage.name = "stage4";
    stage.values = map;
    stage.count = count * made.map_count[2];
    outputs.stages = &stage;
    outputs.stage_count = 1;
    CHECK_OK(orepa->run_tensor_into(model, input, count * INPUT_COUNT, count, &outputs, NULL));
    check_bits(map, made.stages[2].values, stage.count, "stage4 alone");
    // Nothing is run for no pictures.
    outputs = (orepa_outputs)OREPA_OUTPUTS;
    CHECK_OK(orepa->run_tensor_into(model, NULL, 0, 0, &outputs, NULL));
    CHECK_OK(orepa->run_into(model, NULL, 0, &outputs, NULL, NULL));

    orepa->answers_free(expected);
    free_room(&made);
    free(map);
    free(input);
    free(values);
    free(pixels);
}

#define REFUSED(words) \
    do { \
        CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, &made.outputs, NULL), OREPA_INVALID_ARGUMENT, words); \
        CHECK_STATUS(orepa->run_into(model, &picture, 1, &made.outputs, NULL, NULL), OREPA_INVALID_ARGUMENT, words); \
    } while (0)

static void test_outputs_at_fault(const orepa_model *model)
{
    float *input = calloc(INPUT_COUNT, sizeof(float));
    orepa_picture picture = orepa_picture_tensor(input, INPUT_COUNT);
    for (int i = 0;; i++) {
        room made = make_room(model, 1);
        connect(&made);
        orepa_outputs *outputs = &made.outputs;
        orepa_stage_output *stages = made.stages;
        bool is_over = false;
        switch (i) {
        case 0: outputs->size = 5; REFUSED("outputs.size: expected sizeof(orepa_outputs)"); break;
        case 1: outputs->logits = NULL; REFUSED("outputs.logits: expected 10 values, found NULL"); break;
        case 2: outputs->logit_count = 9; REFUSED("outputs.logits: expected 10 values, found 9"); break;
        case 3: outputs->logits = (float *)((char *)outputs->logits + 2); REFUSED("outputs.logits: expected an address that is a multiple of 4"); break;
        case 4: outputs->features = NULL; REFUSED("outputs.features: expected 128 values, found NULL"); break;
        case 5: outputs->feature_value_count = 0; REFUSED("outputs.features: expected 128 values, found 0"); break;
        case 6: outputs->stages = NULL; REFUSED("outputs.stages: expected 5 stages, found NULL"); break;
        case 7: outputs->stage_count = 6; REFUSED("outputs.stage_count: expected at most 5, found 6"); break;
        case 8: outputs->stage_count = SIZE_MAX; REFUSED("outputs.stage_count: expected at most 5"); break;
        case 9: stages[0].size = 7; REFUSED("outputs.stages[0].size: expected sizeof(orepa_stage_output)"); break;
        case 10: stages[1].size += 8; REFUSED("outputs.stages[1].size: expected"); break;
        case 11: stages[1].name = NULL; REFUSED("outputs.stages[1].name: expected a string, found NULL"); break;
        case 12: stages[1].name = "stage9"; REFUSED("outputs.stages[1].name: expected one of stage0, stage1, stage2, stage3, stage4, found stage9"); break;
        case 13: stages[1].name = "\xff"; REFUSED("outputs.stages[1].name: expected UTF-8"); break;
        case 14: stages[1] = stages[0]; REFUSED("stages: expected each stage once, found stage3 again"); break;
        case 15: stages[4].values = NULL; REFUSED("outputs.stages[4].values: expected"); break;
        case 16: stages[4].count += 1; REFUSED("outputs.stages[4].values: expected"); break;
        case 17: outputs->logits = outputs->features + 5; REFUSED("features: expected memory of its own, found that of logits too"); break;
        case 18: stages[2].values = stages[0].values + 1; REFUSED("stage4: expected memory of its own, found that of stage3 too"); break;
        case 19: outputs->logits = input + 3; REFUSED("expected memory of its own, found that of logits too"); break;
        case 20: stages[2].values = input + 1; REFUSED("expected memory of its own, found that of stage4 too"); break;
        default: is_over = true;
        }
        free_room(&made);
        if (is_over)
            break;
    }
    room made = make_room(model, 1);
    connect(&made);
    const orepa_outputs *outputs = &made.outputs;
    orepa_answers *answers = (orepa_answers *)&made;
    CHECK_STATUS(orepa->run_into(NULL, &picture, 1, outputs, NULL, &answers), OREPA_INVALID_ARGUMENT, "model: expected an orepa_model");
    CHECK(answers == NULL, "expected answers that are NULL");
    CHECK_STATUS(orepa->run_into(model, NULL, 1, outputs, NULL, NULL), OREPA_INVALID_ARGUMENT, "pictures: expected 1 pictures, found NULL");
    CHECK_STATUS(orepa->run_into(model, &picture, SIZE_MAX, outputs, NULL, NULL), OREPA_INVALID_ARGUMENT, "picture_count");
    CHECK_STATUS(orepa->run_into(model, &picture, 1, NULL, NULL, NULL), OREPA_INVALID_ARGUMENT, "outputs: expected an orepa_outputs, found NULL");
    CHECK_STATUS(orepa->run_tensor_into(NULL, input, INPUT_COUNT, 1, outputs, NULL), OREPA_INVALID_ARGUMENT, "model: expected an orepa_model");
    CHECK_STATUS(orepa->run_tensor_into(model, NULL, INPUT_COUNT, 1, outputs, NULL), OREPA_INVALID_ARGUMENT, "input: expected 9408 values, found NULL");
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT - 1, 1, outputs, NULL), OREPA_INVALID_ARGUMENT, "input: expected 9408 values, found 9407");
    CHECK_STATUS(orepa->run_tensor_into(model, input, SIZE_MAX, SIZE_MAX, outputs, NULL), OREPA_INVALID_ARGUMENT, "picture_count");
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, NULL, NULL), OREPA_INVALID_ARGUMENT, "outputs: expected an orepa_outputs, found NULL");
    orepa_run_options options = OREPA_RUN_OPTIONS;
    options.features = true;
    CHECK_STATUS(orepa->run_into(model, &picture, 1, outputs, &options, NULL), OREPA_INVALID_ARGUMENT, "found features");
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, outputs, &options), OREPA_INVALID_ARGUMENT, "found features");
    options = (orepa_run_options)OREPA_RUN_OPTIONS;
    orepa_cancellation *cancellation = NULL;
    CHECK_OK(orepa->cancellation_new(&cancellation));
    orepa->cancellation_cancel(cancellation);
    options.cancellation = cancellation;
    CHECK_STATUS(orepa->run_into(model, &picture, 1, outputs, &options, &answers), OREPA_CANCELLED, "");
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, outputs, &options), OREPA_CANCELLED, "");
    orepa->cancellation_free(cancellation);
    input[INPUT_COUNT - 1] = NAN;
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, outputs, NULL), OREPA_INVALID_ARGUMENT, "input value 9407: expected a finite number");
    free_room(&made);
    free(input);
}

// A program made with a later header, whose structs are longer.
static void test_longer_outputs(const orepa_model *model)
{
    struct {
        orepa_stage_output known;
        int64_t unknown;
    } stages[2];
    struct {
        orepa_outputs known;
        int64_t unknown;
    } outputs = {OREPA_OUTPUTS, 0};
    float *input = calloc(INPUT_COUNT, sizeof(float));
    room made = make_room(model, 1);
    connect(&made);
    for (size_t i = 0; i < 2; i++) {
        stages[i].known = made.stages[i];
        stages[i].known.size = sizeof stages[i];
        stages[i].unknown = 0;
    }
    outputs.known = made.outputs;
    outputs.known.size = sizeof outputs;
    outputs.known.stages = &stages[0].known;
    outputs.known.stage_count = 2;
    CHECK_OK(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, &outputs.known, NULL));
    CHECK(made.stages[1].values[0] != MARK && made.stages[2].values[0] == MARK, "expected the first two stages");
    stages[1].unknown = 1;
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, &outputs.known, NULL), OREPA_UNSUPPORTED, "outputs.stages[1]");
    outputs.unknown = 1;
    CHECK_STATUS(orepa->run_tensor_into(model, input, INPUT_COUNT, 1, &outputs.known, NULL), OREPA_UNSUPPORTED, "outputs: expected zeros");
    free_room(&made);
    free(input);
}

void test_into(void)
{
    orepa_model *model = load(NULL);
    test_pictures_into(model);
    test_warnings_into(model);
    test_tensors_into(model);
    test_outputs_at_fault(model);
    test_longer_outputs(model);
    orepa->model_free(model);
}
