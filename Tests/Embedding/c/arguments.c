// Arguments that make no sense are told apart in words, and do no harm.
#include "test.h"

#include <math.h>

#define INVALID(call, words) CHECK_STATUS(call, OREPA_INVALID_ARGUMENT, words)

static void test_null(const orepa_model *model, const orepa_answers *answers)
{
    orepa_model *made = NULL;
    orepa_answers *found = NULL;
    orepa_pool *pool = NULL;
    orepa_model_info info = OREPA_MODEL_INFO;
    orepa_stage stage = OREPA_STAGE;
    orepa_memory_requirement memory = OREPA_MEMORY_REQUIREMENT;
    orepa_values values = OREPA_VALUES;
    orepa_prediction prediction = OREPA_PREDICTION;
    orepa_picture picture = orepa_picture_file(samples[0].path);
    const char *label = NULL;
    float number = 0;
    size_t count = 1;

    INVALID(orepa->model_load(NULL, NULL, &made), "path: expected a string, found NULL");
    INVALID(orepa->model_load(model_path, NULL, NULL), "model: expected where to write an orepa_model *, found NULL");
    INVALID(orepa->model_load_bytes(NULL, 5, NULL, NULL, &made), "bytes: expected 5 bytes, found NULL");
    INVALID(orepa->model_load_bytes("x", 1, NULL, NULL, NULL), "model: expected");
    INVALID(orepa->model_describe(NULL, &info), "model: expected an orepa_model, found NULL");
    INVALID(orepa->model_describe(model, NULL), "info: expected where to write");
    INVALID(orepa->model_label(NULL, 0, &label), "model: expected");
    INVALID(orepa->model_label(model, 0, NULL), "label: expected where to write");
    INVALID(orepa->model_stage(NULL, 0, &stage), "model: expected");
    INVALID(orepa->model_stage(model, 0, NULL), "stage: expected where to write");
    INVALID(orepa->model_memory(NULL, 1, &memory), "model: expected");
    INVALID(orepa->model_memory(model, 1, NULL), "requirement: expected where to write");
    INVALID(orepa->model_trim(NULL), "model: expected");
    INVALID(orepa->run(NULL, &picture, 1, NULL, &found), "model: expected");
    INVALID(orepa->run(model, NULL, 1, NULL, &found), "pictures: expected 1 pictures, found NULL");
    INVALID(orepa->run(model, &picture, 1, NULL, NULL), "answers: expected where to write");
    INVALID(orepa->run_tensor(NULL, &number, 0, 0, &number, 0, NULL), "model: expected");
    INVALID(orepa->run_tensor(model, NULL, INPUT_COUNT, 1, &number, CLASS_COUNT, NULL), "input: expected 9408 values, found NULL");
    float *input = calloc(INPUT_COUNT, sizeof(float));
    INVALID(orepa->run_tensor(model, input, INPUT_COUNT, 1, NULL, CLASS_COUNT, NULL), "logits: expected 10 values, found NULL");
    free(input);
    CHECK_OK(orepa->run_tensor(model, NULL, 0, 0, NULL, 0, NULL));
    INVALID(orepa->answers_status(NULL, 0), "answers: expected");
    INVALID(orepa->answers_top(NULL, 0, &prediction, &count), "answers: expected");
    INVALID(orepa->answers_top(answers, 0, NULL, &count), "predictions: expected room for 1 predictions, found NULL");
    INVALID(orepa->answers_top(answers, 0, &prediction, NULL), "count: expected");
    INVALID(orepa->answers_logits(NULL, 0, &values), "answers: expected");
    INVALID(orepa->answers_logits(answers, 0, NULL), "values: expected where to write");
    INVALID(orepa->answers_probabilities(NULL, 0, &number, 1), "answers: expected");
    INVALID(orepa->answers_probabilities(answers, 0, NULL, CLASS_COUNT), "probabilities: expected 10 values, found NULL");
    INVALID(orepa->answers_features(NULL, 0, &values), "answers: expected");
    INVALID(orepa->answers_features(answers, 0, NULL), "values: expected where to write");
    INVALID(orepa->answers_stage(NULL, 0, "stage0", &values), "answers: expected");
    INVALID(orepa->answers_stage(answers, 0, NULL, &values), "name: expected a string, found NULL");
    INVALID(orepa->answers_stage(answers, 0, "stage0", NULL), "values: expected where to write");
    INVALID(orepa->pool_new(1, NULL), "pool: expected where to write");
    INVALID(orepa->cancellation_new(NULL), "cancellation: expected where to write");
    CHECK(orepa->answers_count(NULL) == 0, "expected no answers in NULL");
    CHECK(orepa->answers_message(NULL, 0) == NULL, "expected no message in NULL");
    CHECK(orepa->pool_thread_count(NULL) == 0, "expected no threads in NULL");
    orepa->model_free(NULL);
    orepa->answers_free(NULL);
    orepa->pool_free(NULL);
    orepa->cancellation_cancel(NULL);
    orepa->cancellation_free(NULL);

    // A place for a handle is set to NULL by all failures.
    made = (orepa_model *)&made;
    CHECK_STATUS(orepa->model_load("/nowhere", NULL, &made), OREPA_NOT_FOUND, "/nowhere");
    CHECK(made == NULL, "expected a model that is NULL");
    found = (orepa_answers *)&found;
    INVALID(orepa->run(NULL, &picture, 1, NULL, &found), "model: expected");
    CHECK(found == NULL, "expected answers that are NULL");
    pool = (orepa_pool *)&pool;
    INVALID(orepa->pool_new(-1, &pool), "thread_count: expected 0 to 4096, found -1");
    CHECK(pool == NULL, "expected a pool that is NULL");
}

static void test_numbers(const orepa_model *model, const orepa_answers *answers)
{
    orepa_model *made = NULL;
    orepa_answers *found = NULL;
    orepa_stage stage = OREPA_STAGE;
    orepa_memory_requirement memory = OREPA_MEMORY_REQUIREMENT;
    orepa_values values = OREPA_VALUES;
    orepa_prediction prediction = OREPA_PREDICTION;
    orepa_picture picture = orepa_picture_file(samples[0].path);
    const char *label = NULL;
    size_t count = SIZE_MAX;
    float numbers[CLASS_COUNT];

    INVALID(orepa->model_label(model, CLASS_COUNT, &label), "index of the class: expected 0 to 9, found 10");
    INVALID(orepa->model_label(model, SIZE_MAX, &label), "found 18446744073709551615");
    INVALID(orepa->model_stage(model, 5, &stage), "index of the stage: expected 0 to 4, found 5");
    INVALID(orepa->model_memory(model, 0, &memory), "batch: expected at least 1, found 0");
    INVALID(orepa->model_memory(model, SIZE_MAX, &memory), "batch: expected at least 1");
    INVALID(orepa->model_load_bytes("x", SIZE_MAX, NULL, NULL, &made), "size of bytes");
    INVALID(orepa->run(model, &picture, SIZE_MAX, NULL, &found), "picture_count");
    INVALID(orepa->run(model, &picture, SIZE_MAX / 2, NULL, &found), "picture_count");
    INVALID(orepa->answers_status(answers, 2), "index of the picture: expected 0 to 1, found 2");
    INVALID(orepa->answers_top(answers, 2, &prediction, &count), "index of the picture");
    INVALID(orepa->answers_top(answers, 0, &prediction, &count), "count: expected");
    INVALID(orepa->answers_logits(answers, SIZE_MAX, &values), "index of the picture");
    INVALID(orepa->answers_probabilities(answers, 0, numbers, 9), "probabilities: expected 10 values, found 9");
    INVALID(orepa->answers_probabilities(answers, 0, numbers, SIZE_MAX), "probabilities: expected 10 values");
    INVALID(orepa->answers_stage(answers, 0, "stage9", &values), "found stage9");
    INVALID(orepa->answers_stage(answers, 0, "\xff", &values), "name: expected UTF-8");
    CHECK_STATUS(orepa->model_load("\xff/\\x", NULL, &made), OREPA_NOT_FOUND, "\\xFF/\\\\x: no such file");
    CHECK(strcmp(orepa->status_name(-1), "unknown status") == 0, "found %s", orepa->status_name(-1));
    CHECK(strcmp(orepa->status_name(OREPA_CANCELLED), "OREPA_CANCELLED") == 0, "found %s", orepa->status_name(OREPA_CANCELLED));
}

// Each field out of its range.
static void test_model_options(void)
{
    orepa_pool *pool = NULL;
    CHECK_OK(orepa->pool_new(1, &pool));
    for (int i = 0;; i++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        orepa_model *model = NULL;
        const char *words = NULL;
        switch (i) {
        case 0: options.numerics = 2; words = "options.numerics: expected one of OREPA_NUMERICS_..., 0 to 1, found 2"; break;
        case 1: options.numerics = -1; words = "options.numerics"; break;
        case 2: options.memory = 3; words = "options.memory: expected one of OREPA_MEMORY_..., 0 to 2, found 3"; break;
        case 3: options.threads = 4; words = "options.threads: expected one of OREPA_THREADS_..., 0 to 3, found 4"; break;
        case 4: options.thread_count = -1; words = "options.thread_count: expected 0 to 4096, found -1"; break;
        case 5: options.thread_count = 1000000; words = "options.thread_count: expected 0 to 4096, found 1000000"; break;
        case 6: options.threads = OREPA_THREADS_SHARED; words = "options.pool: expected an orepa_pool, found NULL"; break;
        case 7: options.pool = pool; words = "options.pool: expected NULL without OREPA_THREADS_SHARED"; break;
        case 8: options.threads = OREPA_THREADS_PARALLEL_FOR; options.thread_count = 1; words = "options.parallel_for: expected a function, found NULL"; break;
        case 9: options.threads = OREPA_THREADS_CALLER; options.thread_count = 2; words = "options.thread_count: expected 0 with OREPA_THREADS_CALLER, found 2"; break;
        case 10: options.input_height = 56; words = "expected both positive or both 0, found 56 and 0"; break;
        case 11: options.input_height = -1; options.input_width = 5; words = "expected both positive"; break;
        case 12: options.input_height = 1 << 30; options.input_width = 56; words = "input size"; break;
        case 13: options.maximum_pixels = SIZE_MAX; words = "options.maximum_pixels: expected at most"; break;
        case 14: options.maximum_image_memory = SIZE_MAX; words = "options.maximum_image_memory: expected at most"; break;
        case 15: options.maximum_jpeg_scans = SIZE_MAX; words = "options.maximum_jpeg_scans: expected at most"; break;
        case 16: options.maximum_jpeg_scanned_samples = SIZE_MAX; words = "options.maximum_jpeg_scanned_samples: expected at most"; break;
        case 17: options.png16 = 2; words = "options.png16: expected one of OREPA_PNG16_..., 0 to 1, found 2"; break;
        default: orepa->pool_free(pool); return;
        }
        INVALID(orepa->model_load(model_path, &options, &model), words);
        CHECK(model == NULL, "expected a model that is NULL");
    }
}

static void test_run_options(const orepa_model *model)
{
    static const char *unknown[] = {"stage0", "stage7"}, *twice[] = {"stage0", "stage0"}, *null[] = {NULL};
    static const char *many[] = {"stage0", "stage1", "stage2", "stage3", "stage4", "stage5"};
    orepa_picture picture = orepa_picture_file(samples[0].path);
    for (int i = 0;; i++) {
        orepa_run_options options = OREPA_RUN_OPTIONS;
        orepa_answers *answers = NULL;
        const char *words = NULL;
        switch (i) {
        case 0: options.timeout_nanoseconds = -1; words = "options.timeout_nanoseconds: expected at least 0, found -1"; break;
        case 1: options.stage_count = 1; words = "options.stages: expected 1 names, found NULL"; break;
        case 2: options.stages = unknown; options.stage_count = 2; words = "options.stages[1]: expected one of stage0, stage1, stage2, stage3, stage4, found stage7"; break;
        case 3: options.stages = twice; options.stage_count = 2; words = "options.stages[1]: expected each stage once, found stage0 again"; break;
        case 4: options.stages = null; options.stage_count = 1; words = "options.stages[0]: expected a string, found NULL"; break;
        case 5: options.stages = many; options.stage_count = 6; words = "options.stage_count: expected at most 5, found 6"; break;
        case 6: options.stages = many; options.stage_count = SIZE_MAX; words = "options.stage_count: expected at most 5"; break;
        default: return;
        }
        INVALID(orepa->run(model, &picture, 1, &options, &answers), words);
        CHECK(answers == NULL, "expected answers that are NULL");
    }
}

// A picture at fault fails by itself.
static void invalid_picture(const orepa_model *model, orepa_picture picture, const char *words)
{
    orepa_answers *answers = NULL;
    if (CHECK_OK(orepa->run(model, &picture, 1, NULL, &answers)))
        INVALID(orepa->answers_status(answers, 0), words);
    orepa->answers_free(answers);
}

static void test_pictures_at_fault(const orepa_model *model)
{
    unsigned char pixels[3 * 4 * 5];
    memset(pixels, 7, sizeof pixels);
    const int32_t rgb = OREPA_ORDER_RGB;
    orepa_picture picture = OREPA_PICTURE;
    invalid_picture(model, picture, "pictures[0].kind: expected one of OREPA_PICTURE_..., 1 to 4, found 0");
    picture.kind = 5;
    invalid_picture(model, picture, "pictures[0].kind");
    invalid_picture(model, orepa_picture_file(NULL), "pictures[0].path: expected a string, found NULL");
    invalid_picture(model, orepa_picture_encoded(NULL, 3), "pictures[0].data: expected 3 bytes, found NULL");
    invalid_picture(model, orepa_picture_encoded(pixels, SIZE_MAX), "size of pictures[0].data");
    invalid_picture(model, orepa_picture_pixels(NULL, 60, 4, 5, 0, rgb), "pictures[0].data: expected 60 bytes, found NULL");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, 5, 0, 5), "pictures[0].order: expected one of OREPA_ORDER_..., 0 to 4, found 5");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, 5, 0, -1), "pictures[0].order");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 0, 5, 0, rgb), "pictures[0].width and height: expected positive numbers, found 0 and 5");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, SIZE_MAX, 0, rgb), "pictures[0].width and height");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, SIZE_MAX / 2, 5, 0, rgb), "pictures[0].bytes_per_row");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, 5, 11, rgb), "pictures[0].bytes_per_row: expected at least width 4 x 3 bytes, or 0, found 11");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, 5, SIZE_MAX, rgb), "pictures[0].bytes_per_row");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, 5, SIZE_MAX / 2, rgb), "pictures[0].data_size");
    invalid_picture(model, orepa_picture_pixels(pixels, 60, 4, SIZE_MAX / 2, 0, rgb), "pictures[0].data_size");
    invalid_picture(model, orepa_picture_pixels(pixels, 59, 4, 5, 0, rgb), "pictures[0].data_size: expected at least 4 x 12 + 12 bytes, found 59");
    invalid_picture(model, orepa_picture_pixels(pixels, SIZE_MAX, 4, 5, 0, rgb), "pictures[0].data_size");

    float *values = calloc(INPUT_COUNT + 1, sizeof(float));
    invalid_picture(model, orepa_picture_tensor(NULL, INPUT_COUNT), "pictures[0].data: expected 9408 values, found NULL");
    invalid_picture(model, orepa_picture_tensor(values, SIZE_MAX), "pictures[0].data_size");
    invalid_picture(model, orepa_picture_tensor(values, 5), "pictures[0].data: expected 9408 values, found 5");
    picture = orepa_picture_tensor(values, INPUT_COUNT);
    picture.data = (const char *)picture.data + 1;
    invalid_picture(model, picture, "expected an address that is a multiple of 4");
    picture = orepa_picture_tensor(values, INPUT_COUNT);
    picture.data_size -= 1;
    invalid_picture(model, picture, "pictures[0].data_size: expected a multiple of 4, found 37631");
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const char *words[] = {"value 9407: expected a finite number, found nan", "found inf", "found -inf"};
    float logits[2 * CLASS_COUNT];
    for (int i = 0; i < 3; i++) {
        values[INPUT_COUNT - 1] = bad[i];
        invalid_picture(model, orepa_picture_tensor(values, INPUT_COUNT), words[i]);
        INVALID(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, NULL), words[i]);
    }
    values[INPUT_COUNT - 1] = 0;

    INVALID(orepa->run_tensor(model, values, INPUT_COUNT, 2, logits, CLASS_COUNT, NULL), "input: expected 18816 values, found 9408");
    INVALID(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, 9, NULL), "logits: expected 10 values, found 9");
    INVALID(orepa->run_tensor(model, values, SIZE_MAX, SIZE_MAX, logits, SIZE_MAX, NULL), "picture_count");
    INVALID(orepa->run_tensor(model, values, 0, SIZE_MAX / 9408, logits, 0, NULL), "picture_count");
    const float *odd = (const float *)((const char *)values + 2);
    INVALID(orepa->run_tensor(model, odd, INPUT_COUNT, 1, logits, CLASS_COUNT, NULL), "input: expected an address");
    orepa_run_options options = OREPA_RUN_OPTIONS;
    options.features = true;
    INVALID(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), "found features");
    options.features = false;
    options.stage_count = 1;
    INVALID(orepa->run_tensor(model, values, INPUT_COUNT, 1, logits, CLASS_COUNT, &options), "found 1 stages");
    free(values);
}

void test_arguments(void)
{
    orepa_model *model = load(NULL);
    orepa_answers *answers = NULL;
    orepa_picture pictures[2] = {orepa_picture_file(samples[0].path), orepa_picture_file(samples[1].path)};
    const char *stage = "stage0";
    orepa_run_options options = OREPA_RUN_OPTIONS;
    options.features = true;
    options.stages = &stage;
    options.stage_count = 1;
    if (CHECK_OK(orepa->run(model, pictures, 2, &options, &answers))) {
        test_null(model, answers);
        test_numbers(model, answers);
    }
    orepa->answers_free(answers);
    test_model_options();
    test_run_options(model);
    test_pictures_at_fault(model);
    orepa->model_free(model);
}
