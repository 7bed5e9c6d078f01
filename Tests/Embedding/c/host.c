// What the library leaves as it is in the process of its host.
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

static void test_rounding(void)
{
    orepa_model *model = load(NULL);
    float logits[CLASS_COUNT];
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    run_one(model, orepa_picture_file(samples[0].path), logits);
    CHECK(fegetround() == FE_UPWARD, "expected that the rounding mode stays");
    fesetround(FE_TONEAREST);
    orepa->model_free(model);
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
