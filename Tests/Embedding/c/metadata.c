// What a model's file records about it.
#define _GNU_SOURCE
#include "test.h"

#include <math.h>

static void check_text(const char *found, const char *expected, const char *what)
{
    CHECK(found && strcmp(found, expected) == 0, "%s: expected %s, found %s", what, expected, found ? found : "NULL");
}

static void check_holds(const char *json, const char *words)
{
    CHECK(strstr(json, words) != NULL, "json: expected %s, found %s", words, json);
}

static void test_recorded(void)
{
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    // Another size changes nothing of what is recorded.
    options.input_height = options.input_width = 64;
    orepa_model *model = load(&options);
    orepa_metadata metadata = OREPA_METADATA;
    CHECK_OK(orepa->model_metadata(model, &metadata));
    CHECK(metadata.size == sizeof metadata, "size: expected that it stays, found %zu", metadata.size);
    check_text(metadata.family, "RepVGG", "family");
    check_text(metadata.tool, "orepa-infer " EXPECTED_VERSION, "tool");
    check_text(metadata.source_name, "checkpoint.pth.tar", "source_name");
    check_text(metadata.source_sha256, "dcfebff0796f8cd2f4615b61a116389e1587d33c6cff19895f02a99f243b2af5", "source_sha256");
    check_text(metadata.interpolation, "bilinear", "interpolation");
    CHECK(metadata.resize == SIDE && metadata.crop == SIDE, "sides: found %zu, %zu", metadata.resize, metadata.crop);
    if (CHECK(metadata.channel_count == 3, "channel_count: found %zu", metadata.channel_count))
        for (size_t i = 0; i < 3; i++)
            CHECK(metadata.mean[i] == 0.5f && metadata.std[i] == 0.5f, "channel %zu: found %g, %g", i, metadata.mean[i], metadata.std[i]);
    CHECK(metadata.block_error > 0 && metadata.block_error < 1e-5, "block_error: found %g", metadata.block_error);
    CHECK(metadata.logit_error > 0 && metadata.logit_error < 5e-4, "logit_error: found %g", metadata.logit_error);
    CHECK(metadata.fast_logit_error > 0 && metadata.fast_logit_error < 5e-4, "fast_logit_error: found %g", metadata.fast_logit_error);

    check_holds(metadata.json, "{\"tool\": \"orepa-infer ");
    check_holds(metadata.json, "\"family\": \"RepVGG\"");
    check_holds(metadata.json, "\"blocks\": {\"OREPA RepVGG\": 10}");
    check_holds(metadata.json, "\"input\": {\"channels\": 3, \"height\": 56, \"width\": 56}");
    check_holds(metadata.json, "\"mean\": [0.5, 0.5, 0.5]");
    check_holds(metadata.json, "\"labels\": [\"T-shirt/top\", ");
    check_holds(metadata.json, "\"source\": {\"name\": \"checkpoint.pth.tar\", \"sha256\": \"dcfe");
    check_holds(metadata.json, "\"worst_block\": \"stage");
    check_holds(metadata.json, "\"strides\": [2, 2, 2, 2, 2]");
    CHECK(!strstr(metadata.json, "graph") && !strstr(metadata.json, "algorithms"), "json: expected no network");
    orepa->model_free(model);
}

// The file with keys of its description that no reader knows, so that what they hold is not there.
static orepa_model *load_without(const char *const *keys, size_t count)
{
    size_t size;
    unsigned char *bytes = read_file(model_path, &size);
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    for (size_t i = 0; i < count; i++) {
        char key[64];
        // The description is a string in the file's header: its quotation marks are escaped.
        snprintf(key, sizeof key, "\\\"%s\\\":", keys[i]);
        unsigned char *place = memmem(bytes + 8, length, key, strlen(key));
        if (!place) {
            printf("%s: no such key\n", keys[i]);
            exit(2);
        }
        place[2] = 'X';
    }
    orepa_model_options options = OREPA_MODEL_OPTIONS;
    options.skip_probe = is_slow;
    orepa_model *model = NULL;
    CHECK_OK(orepa->model_load_bytes(bytes, size, "edited", &options, &model));
    free(bytes);
    return model;
}

static void test_not_recorded(void)
{
    static const char *const keys[] = {"labels", "source", "verification", "assumptions"};
    orepa_model *model = load_without(keys, 4);
    orepa_metadata metadata = OREPA_METADATA;
    CHECK_OK(orepa->model_metadata(model, &metadata));
    CHECK(!metadata.source_name && !metadata.source_sha256, "expected no source");
    CHECK(isnan(metadata.block_error) && isnan(metadata.logit_error) && isnan(metadata.fast_logit_error), "expected no errors");
    for (size_t i = 0; i < 4; i++) {
        char words[64];
        snprintf(words, sizeof words, "\"%s\": null", keys[i]);
        check_holds(metadata.json, words);
    }
    orepa->model_free(model);
    static const char *const key[] = {"fast_logit_error"};
    model = load_without(key, 1);
    CHECK_OK(orepa->model_metadata(model, &metadata));
    CHECK(metadata.logit_error > 0 && isnan(metadata.fast_logit_error), "expected no error of fast logits");
    check_holds(metadata.json, "\"fast_logit_error\": null");
    orepa->model_free(model);
}

static void test_metadata_arguments(void)
{
    orepa_model *model = load(NULL);
    struct {
        orepa_metadata known;
        int64_t unknown;
    } longer = {OREPA_METADATA, -1};
    CHECK_STATUS(orepa->model_metadata(NULL, &longer.known), OREPA_INVALID_ARGUMENT, "model: expected an orepa_model");
    CHECK_STATUS(orepa->model_metadata(model, NULL), OREPA_INVALID_ARGUMENT, "metadata: expected where to write an orepa_metadata");
    longer.known.size = 8;
    CHECK_STATUS(orepa->model_metadata(model, &longer.known), OREPA_INVALID_ARGUMENT, "metadata.size: expected sizeof(orepa_metadata)");
    longer.known.size = sizeof longer;
    CHECK_OK(orepa->model_metadata(model, &longer.known));
    CHECK(longer.unknown == 0 && longer.known.crop == SIDE, "found %ld", (long)longer.unknown);
    orepa->model_free(model);
}

void test_metadata(void)
{
    test_recorded();
    test_not_recorded();
    test_metadata_arguments();
}
