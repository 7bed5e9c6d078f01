// What calls give beside the logits.
#include "test.h"

static void test_predictions(orepa_answers *answers)
{
    for (size_t i = 0; i < sample_count; i++) {
        orepa_prediction top[CLASS_COUNT + 2];
        for (int j = 0; j < CLASS_COUNT + 2; j++)
            top[j] = (orepa_prediction)OREPA_PREDICTION;
        size_t count = 3;
        CHECK_OK(orepa->answers_top(answers, i, top, &count));
        CHECK(count == 3, "count: found %zu", count);
        count = CLASS_COUNT + 2;
        CHECK_OK(orepa->answers_top(answers, i, top, &count));
        CHECK(count == CLASS_COUNT, "count: expected as many as classes, found %zu", count);
        float probabilities[CLASS_COUNT];
        CHECK_OK(orepa->answers_probabilities(answers, i, probabilities, CLASS_COUNT));
        double sum = 0;
        for (size_t j = 0; j < CLASS_COUNT; j++) {
            sum += probabilities[j];
            if (!CHECK(top[j].index < CLASS_COUNT, "index: found %zu", top[j].index))
                continue;
            CHECK(top[j].logit == samples[i].logits[top[j].index], "logit: found %g", top[j].logit);
            CHECK(top[j].probability == probabilities[top[j].index], "probability: found %g", top[j].probability);
            CHECK(j == 0 || top[j].logit <= top[j - 1].logit, "expected the largest logit first");
        }
        CHECK(sum > 0.99999 && sum < 1.00001, "sum of the probabilities: found %g", sum);
        // The file of each sample is named for what it shows.
        char name[64];
        snprintf(name, sizeof name, "%s", top[0].label ? top[0].label : "none");
        for (char *c = name; *c; c++)
            *c = *c == ' ' || *c == '/' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        CHECK(strstr(samples[i].path, name) != NULL, "%s: found %s", samples[i].path, top[0].label);
        count = 0;
        CHECK_OK(orepa->answers_top(answers, i, NULL, &count));
    }
}

// The features, through the linear layer, are the logits, and the mean of the last stage are the features.
static void test_features(orepa_answers *answers, const orepa_model *model)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/linear.txt", data_folder);
    FILE *file = fopen(path, "r");
    static double linear[CLASS_COUNT * 128 + CLASS_COUNT];
    for (int i = 0; i < CLASS_COUNT * 128 + CLASS_COUNT; i++)
        if (!file || fscanf(file, "%lf", &linear[i]) != 1)
            exit(2);
    fclose(file);
    for (size_t i = 0; i < sample_count; i++) {
        orepa_values features = OREPA_VALUES, last = OREPA_VALUES;
        CHECK_OK(orepa->answers_features(answers, i, &features));
        if (!CHECK(features.count == 128 && features.channels == 128 && features.height == 1 && features.width == 1,
                "features: found %zu", features.count))
            return;
        for (int class = 0; class < CLASS_COUNT; class++) {
            double sum = linear[CLASS_COUNT * 128 + class];
            for (int j = 0; j < 128; j++)
                sum += linear[class * 128 + j] * (double)features.values[j];
            double difference = sum - (double)samples[i].logits[class];
            CHECK(difference < 1e-4 && difference > -1e-4, "logit %d of the features: off by %g", class, difference);
        }
        CHECK_OK(orepa->answers_stage(answers, i, "stage4", &last));
        size_t area = last.height * last.width;
        if (!CHECK(last.channels == 128 && last.count == 128 * area, "stage4: found %zu", last.count))
            return;
        for (size_t channel = 0; channel < 128; channel++) {
            double sum = 0;
            for (size_t j = 0; j < area; j++)
                sum += (double)last.values[channel * area + j];
            double difference = sum / (double)area - (double)features.values[channel];
            CHECK(difference < 1e-5 && difference > -1e-5, "feature %zu: off by %g", channel, difference);
        }
        for (size_t stage = 0; stage < 5; stage += 2) {
            orepa_stage description = OREPA_STAGE;
            orepa_values map = OREPA_VALUES;
            CHECK_OK(orepa->model_stage(model, stage, &description));
            CHECK_OK(orepa->answers_stage(answers, i, description.name, &map));
            CHECK(map.channels == description.channels && map.height == description.height &&
                    map.width == description.width && map.count == map.channels * map.height * map.width,
                "%s: found %zu x %zu x %zu", description.name, map.channels, map.height, map.width);
        }
        CHECK_STATUS(orepa->answers_stage(answers, i, "stage1", &last), OREPA_INVALID_ARGUMENT,
            "stage0, stage2, stage4, found stage1");
    }
}

void test_outputs(void)
{
    orepa_model *model = load(NULL);
    orepa_picture pictures[SAMPLE_COUNT];
    orepa_answers *answers = NULL;
    for (size_t i = 0; i < sample_count; i++)
        pictures[i] = orepa_picture_file(samples[i].path);
    const char *stages[] = {"stage0", "stage2", "stage4"};
    orepa_run_options options = OREPA_RUN_OPTIONS;
    options.features = true;
    options.stages = stages;
    options.stage_count = 3;
    if (CHECK_OK(orepa->run(model, pictures, sample_count, &options, &answers)))
        test_features(answers, model);
    orepa->answers_free(answers);

    CHECK_OK(orepa->run(model, pictures, sample_count, NULL, &answers));
    orepa_values values = OREPA_VALUES;
    CHECK_STATUS(orepa->answers_features(answers, 0, &values), OREPA_INVALID_ARGUMENT, "options.features");
    CHECK_STATUS(orepa->answers_stage(answers, 0, "stage0", &values), OREPA_INVALID_ARGUMENT, "none, found stage0");
    // Answers outlive their model, labels included.
    orepa->model_free(model);
    test_predictions(answers);
    orepa->answers_free(answers);
}
