// What the library leaves as it is in the process of its host.
#define _GNU_SOURCE
#include "test.h"

#include <fenv.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_descriptors(void)
{
    int before = descriptor_count_of_process();
    orepa_model *model = load(NULL);
    float logits[CLASS_COUNT];
    run_one(model, orepa_picture_file(samples[0].path), logits);
    orepa_answers *answers = NULL;
    orepa_picture picture = orepa_picture_file(model_path);
    CHECK_OK(orepa->run(model, &picture, 1, NULL, &answers));
    orepa->answers_free(answers);
    orepa->model_free(model);
    CHECK(descriptor_count_of_process() == before, "expected %d open files, found %d", before, descriptor_count_of_process());
}

typedef struct rounding_result {
    orepa_status status;
    float logits[CLASS_COUNT], probabilities[CLASS_COUNT], best;
} rounding_result;

// Without arithmetic of its own, which would trap.
static rounding_result classify_as_host(void)
{
    rounding_result result = {0, {0}, {0}, 0};
    orepa_model *model = NULL;
    orepa_answers *answers = NULL;
    orepa_values values = OREPA_VALUES;
    orepa_prediction best = OREPA_PREDICTION;
    size_t count = 1;
    orepa_picture picture = orepa_picture_file(samples[0].path);
    (void)((result.status = orepa->model_load(model_path, NULL, &model)) ||
        (result.status = orepa->run(model, &picture, 1, NULL, &answers)) ||
        (result.status = orepa->answers_logits(answers, 0, &values)) ||
        (result.status = orepa->answers_probabilities(answers, 0, result.probabilities, CLASS_COUNT)) ||
        (result.status = orepa->answers_top(answers, 0, &best, &count)));
    if (result.status == OREPA_OK) {
        memcpy(result.logits, values.values, sizeof result.logits);
        memcpy(&result.best, &best.probability, sizeof result.best);
    }
    orepa->answers_free(answers);
    orepa->model_free(model);
    return result;
}

// A host may round in any way and let every exception trap.
static void test_rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    const rounding_result usual = classify_as_host();
    CHECK(usual.status == OREPA_OK, "expected an answer, found %d", usual.status);
    for (int i = 0; i < (is_slow ? 0 : 8); i++) {
        const bool traps = i >= 4;
        feclearexcept(FE_ALL_EXCEPT);
        fesetround(modes[i % 4]);
        if (traps)
            feenableexcept(FE_ALL_EXCEPT);
        else
            feraiseexcept(FE_UNDERFLOW);
        const rounding_result found = classify_as_host();
        const int mode = fegetround(), trapping = fegetexcept(), flags = fetestexcept(FE_ALL_EXCEPT);
        fesetenv(FE_DFL_ENV);
        CHECK(mode == modes[i % 4], "expected that the rounding mode stays");
        CHECK(trapping == (traps ? FE_ALL_EXCEPT : 0), "expected that traps stay, found %d", trapping);
        CHECK(flags == (traps ? 0 : FE_UNDERFLOW), "expected that flags stay, found %d", flags);
        CHECK(found.status == OREPA_OK, "mode %d: expected an answer, found %d", i, found.status);
        check_bits(found.logits, usual.logits, CLASS_COUNT, "logits in another rounding mode");
        check_bits(found.probabilities, usual.probabilities, CLASS_COUNT, "probabilities in another rounding mode");
        check_bits(&found.best, &usual.best, 1, "the best class's probability in another rounding mode");
    }
}

static void test_fork(void)
{
    orepa_model *model = load(NULL);
    float logits[CLASS_COUNT];
    run_one(model, orepa_picture_file(samples[0].path), logits);
    fflush(stdout);
    // By a pipe, since valgrind gives a child an exit status of its own.
    int ends[2];
    char answer = 0;
    if (pipe(ends) != 0)
        exit(2);
    pid_t child = fork();
    if (child == 0) {
        orepa_answers *answers = NULL;
        orepa_values values = OREPA_VALUES;
        orepa_picture picture = orepa_picture_file(samples[1].path);
        bool same = orepa->run(model, &picture, 1, NULL, &answers) == OREPA_OK &&
            orepa->answers_logits(answers, 0, &values) == OREPA_OK &&
            memcmp(values.values, samples[1].logits, sizeof samples[1].logits) == 0;
        _exit(write(ends[1], same ? "y" : "n", 1) != 1);
    }
    close(ends[1]);
    CHECK(read(ends[0], &answer, 1) == 1 && answer == 'y', "expected the same logits in a forked process");
    close(ends[0]);
    waitpid(child, NULL, 0);
    orepa->model_free(model);
}

void test_host(void)
{
    test_descriptors();
    test_rounding();
    test_fork();
}
