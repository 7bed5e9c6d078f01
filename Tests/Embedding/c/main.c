// Tests of the C interface: test MODEL DATA-FOLDER [slow [GROUP]]
// or, in a process with OREPA_ISA set to a word that means nothing: test MODEL DATA-FOLDER environment
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

const orepa_api *orepa;
const char *model_path;
const char *data_folder;
sample samples[SAMPLE_COUNT];
bool is_slow;
size_t sample_count = SAMPLE_COUNT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int passed_count;
static int failed_count;

bool check(bool passed, const char *file, int line, const char *format, ...)
{
    pthread_mutex_lock(&lock);
    if (passed) {
        passed_count++;
    } else {
        failed_count++;
        printf("%s:%d: ", file, line);
        va_list arguments;
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        printf("\n");
    }
    pthread_mutex_unlock(&lock);
    return passed;
}

bool check_status(orepa_status found, orepa_status expected, const char *words, const char *file,
    int line, const char *call)
{
    const char *message = orepa->last_error();
    bool fits = expected == OREPA_OK ? message[0] == 0 : message[0] != 0 && strstr(message, words);
    return check(found == expected && fits, file, line, "%s: expected %s, \"%s\", found %s, \"%s\"",
        call, orepa->status_name(expected), words, orepa->status_name(found), message);
}

void check_bits(const float *found, const float *expected, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(found + i, expected + i, sizeof(float)) != 0) {
            CHECK(false, "%s: value %zu: expected %.9g, found %.9g", what, i, expected[i], found[i]);
            return;
        }
    }
    CHECK(true, "%s", what);
}

orepa_model *load(const orepa_model_options *options)
{
    orepa_model *model = NULL;
    orepa_model_options chosen = OREPA_MODEL_OPTIONS;
    if (options)
        chosen = *options;
    chosen.skip_probe = chosen.skip_probe || is_slow;
    if (orepa->model_load(model_path, &chosen, &model) != OREPA_OK) {
        printf("%s\n", orepa->last_error());
        exit(2);
    }
    return model;
}

unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("%s: cannot be opened\n", path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size);
    if (fread(bytes, 1, *size, file) != *size) {
        printf("%s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    return bytes;
}

unsigned char *read_data(const char *name, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", data_folder, name);
    return read_file(path, size);
}

float *normalised(const unsigned char *pixels)
{
    float *values = malloc(INPUT_COUNT * sizeof(float));
    for (int channel = 0; channel < 3; channel++)
        for (int pixel = 0; pixel < SIDE * SIDE; pixel++)
            values[channel * SIDE * SIDE + pixel] =
                ((float)pixels[pixel * 3 + channel] / 255.0f - 0.5f) / 0.5f;
    return values;
}

void run_one(const orepa_model *model, orepa_picture picture, float *logits)
{
    orepa_answers *answers = NULL;
    orepa_values values = OREPA_VALUES;
    memset(logits, 0, CLASS_COUNT * sizeof(float));
    if (CHECK_OK(orepa->run(model, &picture, 1, NULL, &answers)) &&
        CHECK_OK(orepa->answers_logits(answers, 0, &values)) &&
        CHECK(values.count == CLASS_COUNT, "expected %d logits, found %zu", CLASS_COUNT, values.count))
        memcpy(logits, values.values, CLASS_COUNT * sizeof(float));
    orepa->answers_free(answers);
}

static int entry_count(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

int thread_count_of_process(void) { return entry_count("/proc/self/task") - 2; }
int descriptor_count_of_process(void) { return entry_count("/proc/self/fd") - 2; }

static void read_samples(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/logits.txt", data_folder);
    FILE *file = fopen(path, "r");
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        int count = 0;
        if (!file || fscanf(file, "%511s %d", samples[i].path, &count) != 2 || count != CLASS_COUNT) {
            printf("%s: expected ten samples with ten logits each\n", path);
            exit(2);
        }
        for (int j = 0; j < CLASS_COUNT; j++) {
            char word[64];
            if (fscanf(file, "%63s", word) != 1)
                exit(2);
            samples[i].logits[j] = strtof(word, NULL);
        }
    }
    fclose(file);
}

static void test_environment(void)
{
    orepa_model *model = (orepa_model *)&model;
    CHECK_STATUS(orepa->model_load(model_path, NULL, &model), OREPA_INVALID_ENVIRONMENT, "OREPA_ISA");
    CHECK(model == NULL, "expected a model that is NULL");
}

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {
    {"models", test_models}, {"pictures", test_pictures}, {"outputs", test_outputs},
    {"arguments", test_arguments}, {"structs", test_structs}, {"errors", test_errors},
    {"threads", test_threads}, {"limits", test_limits}, {"host", test_host},
    {"into", test_into}, {"metadata", test_metadata},
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        printf("usage: test MODEL DATA-FOLDER [slow [GROUP] | environment]\n");
        return 64;
    }
    model_path = argv[1];
    data_folder = argv[2];
    const char *mode = argc > 3 ? argv[3] : "";
    is_slow = strcmp(mode, "slow") == 0;
    if (is_slow)
        sample_count = 2;
    orepa = orepa_get_api(OREPA_API_VERSION);
    if (!orepa) {
        printf("expected a table of functions of version %d, found none\n", OREPA_API_VERSION);
        return 2;
    }
    if (strcmp(mode, "environment") == 0) {
        test_environment();
    } else {
        read_samples();
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
            if (argc > 4 && strcmp(argv[4], groups[i].name) != 0)
                continue;
            time_t start = time(NULL);
            groups[i].run();
            if (is_slow)
                printf("%s: %ld s\n", groups[i].name, (long)(time(NULL) - start));
            fflush(stdout);
        }
    }
    printf("C: %d checks passed, %d failed\n", passed_count, failed_count);
    return failed_count > 0;
}
