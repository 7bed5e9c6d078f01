// Loads the library at run time, before and after which the process is the same: load LIBRARY MODEL
#include <orepa.h>

#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void expect(int holds, const char *what)
{
    if (!holds) {
        printf("load.c: expected %s\n", what);
        failures++;
    }
}

static int thread_count(void)
{
    DIR *directory = opendir("/proc/self/task");
    int count = -2;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

typedef struct state {
    void (*handlers[65])(int);
    sigset_t blocked;
    char locale[256];
    int threads;
} state;

static state current_state(void)
{
    state now;
    memset(&now, 0, sizeof now);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            now.handlers[number] = action.sa_handler;
    }
    sigprocmask(SIG_BLOCK, NULL, &now.blocked);
    snprintf(now.locale, sizeof now.locale, "%s", setlocale(LC_ALL, NULL));
    now.threads = thread_count();
    return now;
}

static void expect_unchanged(const state *before, const char *what)
{
    state after = current_state();
    expect(memcmp(before, &after, sizeof after) == 0, what);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    state before = current_state();
    for (int turn = 0; turn < 2; turn++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            printf("load.c: %s\n", dlerror());
            return 1;
        }
        expect_unchanged(&before, "the same handlers, locale and threads after dlopen");
        const orepa_api *(*get_api)(uint32_t);
        *(void **)&get_api = dlsym(library, "orepa_get_api");
        expect(get_api != NULL, "orepa_get_api");
        expect(dlsym(library, "swift_retain") == NULL, "no symbols of the Swift runtime");
        const orepa_api *orepa = get_api(OREPA_API_VERSION);
        expect_unchanged(&before, "the same handlers, locale and threads after orepa_get_api");
        orepa_model *model = NULL;
        orepa_model_options options = OREPA_MODEL_OPTIONS;
        options.thread_count = 3;
        expect(orepa->model_load(argv[2], &options, &model) == OREPA_OK, "a model");
        expect(thread_count() == before.threads + 2, "two threads of the model's");
        orepa->model_free(model);
        expect_unchanged(&before, "the same handlers, locale and threads after model_free");
        expect(dlclose(library) == 0, "that the library closes");
        expect_unchanged(&before, "the same handlers, locale and threads after dlclose");
    }
    printf("loading: %s\n", failures ? "failed" : "passed");
    return failures > 0;
}
