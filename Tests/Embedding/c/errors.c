// Every status that is not the caller's fault.
#include "test.h"

#include <math.h>
#include <sys/resource.h>

// Where the values of a tensor begin in the bytes of a model's file.
static size_t tensor_offset(const unsigned char *bytes, const char *name)
{
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    char *header = malloc(length + 1), key[256];
    memcpy(header, bytes + 8, length);
    header[length] = 0;
    snprintf(key, sizeof key, "\"%s\":{", name);
    // The description of the network holds its own quotation marks escaped, so this is the tensor.
    const char *place = strstr(header, key);
    place = place ? strstr(place, "\"data_offsets\":[") : NULL;
    if (!place) {
        printf("%s: no such tensor\n", name);
        exit(2);
    }
    size_t offset = 8 + length + strtoul(place + strlen("\"data_offsets\":["), NULL, 10);
    free(header);
    return offset;
}

static void test_files(void)
{
    orepa_model *model = NULL;
    CHECK_STATUS(orepa->model_load("/nowhere/m.safetensors", NULL, &model), OREPA_NOT_FOUND, "/nowhere/m.safetensors: no such file");
    CHECK_STATUS(orepa->model_load("/tmp", NULL, &model), OREPA_NOT_READABLE, "/tmp: expected a file, found a folder");
    CHECK_STATUS(orepa->model_load(samples[0].path, NULL, &model), OREPA_INVALID_MODEL, samples[0].path);
    CHECK_STATUS(orepa->model_load_bytes("", 0, "nothing", NULL, &model), OREPA_INVALID_MODEL, "nothing");
    CHECK_STATUS(orepa->model_load_bytes(NULL, 0, NULL, NULL, &model), OREPA_INVALID_MODEL, "model");
    size_t size;
    unsigned char *bytes = read_file(model_path, &size);
    for (size_t cut = 1; cut < size; cut = cut * 3 + 1)
        CHECK_STATUS(orepa->model_load_bytes(bytes, size - cut, "cut", NULL, &model), OREPA_INVALID_MODEL, "cut");
    free(bytes);
}

static void test_damaged_weights(void)
{
    size_t size;
    unsigned char *bytes = read_file(model_path, &size);
    orepa_model *model = NULL;
    size_t place = tensor_offset(bytes, "linear.bias");
    bytes[place + 2] ^= 0x40;
    CHECK_STATUS(orepa->model_load_bytes(bytes, size, "flipped", NULL, &model), OREPA_PROBE_FAILED, "flipped: the probe picture's logit 0");
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.skip_probe = true;
    CHECK_OK(orepa->model_load_bytes(bytes, size, "flipped", &options, &model));
    orepa->model_free(model);

    const float infinity = INFINITY;
    memcpy(bytes + place, &infinity, sizeof infinity);
    orepa_status status = orepa->model_load_bytes(bytes, size, "infinite", &options, &model);
    if (status == OREPA_OK) {
        orepa_picture picture = orepa_picture_file(samples[0].path);
        orepa_answers *answers = NULL;
        orepa_prediction top = OREPA_PREDICTION;
        size_t count = 1;
        float probabilities[CLASS_COUNT];
        CHECK_OK(orepa->run(model, &picture, 1, NULL, &answers));
        CHECK_STATUS(orepa->answers_top(answers, 0, &top, &count), OREPA_NOT_FINITE, "found inf");
        CHECK_OK(orepa->answers_probabilities(answers, 0, probabilities, CLASS_COUNT));
        CHECK(probabilities[0] != probabilities[0], "expected NaN, found %g", probabilities[0]);
        orepa->answers_free(answers);
        orepa->model_free(model);
    } else {
        CHECK(false, "infinite weights: expected OREPA_OK, found %s", orepa->last_error());
    }
    free(bytes);
}

static void test_images(void)
{
    orepa_model *model = load(NULL);
    size_t size;
    unsigned char *bytes = read_file(samples[0].path, &size);
    orepa_picture pictures[4] = {
        orepa_picture_encoded(bytes, 0),
        orepa_picture_encoded(bytes, size / 2),
        orepa_picture_file(model_path),
        orepa_picture_encoded("GIF89a", 6),
    };
    orepa_answers *answers = NULL;
    CHECK_OK(orepa->run(model, pictures, 4, NULL, &answers));
    for (size_t i = 0; i < 4; i++)
        CHECK_STATUS(orepa->answers_status(answers, i), OREPA_INVALID_IMAGE, i == 2 ? model_path : "picture ");
    orepa->answers_free(answers);
    orepa->model_free(model);

    // Each limit on what a picture may cost.
    for (int i = 0; i < 4; i++) {
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        if (i == 0)
            options.maximum_pixels = 100;
        if (i == 1)
            options.maximum_image_memory = 1000;
        if (i == 2)
            options.maximum_jpeg_scans = 100;
        if (i == 3)
            options.maximum_jpeg_scanned_samples = 1; // the sample is in several scans
        model = load(&options);
        orepa_picture picture = orepa_picture_encoded(bytes, size);
        CHECK_OK(orepa->run(model, &picture, 1, NULL, &answers));
        CHECK_STATUS(orepa->answers_status(answers, 0), i == 2 ? OREPA_OK : OREPA_INVALID_IMAGE, "the limit");
        orepa->answers_free(answers);
        orepa->model_free(model);
    }
    free(bytes);
}

static void test_out_of_memory(void)
{
    if (is_slow)
        return;
    struct rlimit limit, low;
    getrlimit(RLIMIT_AS, &limit);
    low = limit;
    low.rlim_cur = (rlim_t)1 << 30;
    setrlimit(RLIMIT_AS, &low);
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.input_height = options.input_width = 5600;
    orepa_model *model = NULL;
    CHECK_STATUS(orepa->model_load(model_path, &options, &model), OREPA_OUT_OF_MEMORY, "bytes of memory");
    setrlimit(RLIMIT_AS, &limit);
}

// A message belongs to its thread, and to the last call.
static void test_last_error(void)
{
    orepa_model *model = NULL;
    char path[4000];
    // Two-byte characters, of which the cut must not leave half of one.
    path[0] = '/';
    for (size_t i = 1; i < sizeof path - 1; i += 2)
        memcpy(path + i, "\xc3\xa9", 2);
    path[sizeof path - 1] = 0;
    path[2000] = 0;
    orepa->model_load(path, NULL, &model);
    path[2000] = path[1998];
    path[sizeof path - 1] = 0;
    orepa_status status = orepa->model_load(path, NULL, &model);
    CHECK(status == OREPA_NOT_FOUND || status == OREPA_NOT_READABLE || status == OREPA_INVALID_ARGUMENT,
        "found %s", orepa->status_name(status));
    const char *message = orepa->last_error();
    size_t length = strlen(message);
    CHECK(length > 0 && length <= 2047, "length of the message: found %zu", length);
    CHECK(length < 2000 || (unsigned char)message[length - 1] != 0xc3, "expected no half of a character");
    CHECK(orepa->last_error() == message, "expected the same message again");
}

void test_errors(void)
{
    test_files();
    test_damaged_weights();
    test_images();
    test_out_of_memory();
    test_last_error();
}
