// Loads, classifies, looks at the answers and frees in processes that may take more and more memory beside what this
// program has when it starts, and counts how they end: memory MODEL FIRST LAST STEP PICTURE..., the limits in KiB.
#include <orepa.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRONG = 90, MOST_CLASSES = 4096 };

static int classify(const char *path, char **pictures, int picture_count)
{
    static float probabilities[MOST_CLASSES];
    const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
    orepa_model *model = NULL;
    orepa_model_info info = OREPA_MODEL_INFO;
    orepa_status status = orepa->model_load(path, NULL, &model);
    if (status != OREPA_OK)
        return model ? WRONG : status;
    if (orepa->model_describe(model, &info) != OREPA_OK)
        return WRONG;
    for (int i = 0; i < picture_count; i++) {
        orepa_picture picture = orepa_picture_file(pictures[i]);
        orepa_answers *answers = NULL;
        orepa_prediction best = OREPA_PREDICTION;
        size_t count = 1;
        if ((status = orepa->run(model, &picture, 1, NULL, &answers)) != OREPA_OK)
            return answers ? WRONG : status;
        if ((status = orepa->answers_status(answers, 0)) != OREPA_OK ||
            (status = orepa->answers_top(answers, 0, &best, &count)) != OREPA_OK ||
            (status = orepa->answers_probabilities(answers, 0, probabilities, info.class_count)) != OREPA_OK)
            return status;
        orepa->answers_free(answers);
    }
    orepa->model_free(model);
    return OREPA_OK;
}

static long address_space(void)
{
    char text[64] = {0};
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0 || read(file, text, sizeof text - 1) <= 0)
        exit(2);
    close(file);
    return atol(text) * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 64;
    int answered = 0, refused = 0, bad = 0;
    for (long limit = atol(argv[2]); limit <= atol(argv[3]); limit += atol(argv[4])) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimit size;
            alarm(60);
            size.rlim_cur = size.rlim_max = (rlim_t)(address_space() + limit * 1024);
            if (setrlimit(RLIMIT_AS, &size) != 0)
                _exit(2);
            _exit(classify(argv[1], argv + 5, argc - 5));
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 2;
        if (WIFEXITED(status) && WEXITSTATUS(status) == OREPA_OK)
            answered++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == OREPA_OUT_OF_MEMORY)
            refused++;
        else {
            bad++;
            printf("at %ld KiB: expected an answer or OREPA_OUT_OF_MEMORY, found %s %d\n", limit,
                WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    printf("answered %d, refused %d, else %d\n", answered, refused, bad);
    // The limits reach from where nothing works to where all does.
    return !(answered > 0 && refused > 0 && bad == 0);
}
