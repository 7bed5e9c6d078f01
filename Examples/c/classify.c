/* Names what pictures show: classify MODEL IMAGE...
 *
 *     cc classify.c $(pkg-config --cflags --libs orepa) -o classify
 */
#include <orepa.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argument_count, char **arguments)
{
    const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
    if (!orepa) {
        fputs("this liborepa.so has another version\n", stderr);
        return 69;
    }
    if (argument_count < 3) {
        fputs("usage: classify MODEL IMAGE...\n", stderr);
        return 64;
    }
    orepa_model *model = NULL;
    if (orepa->model_load(arguments[1], NULL, &model)) {
        fprintf(stderr, "%s\n", orepa->last_error());
        return 65;
    }
    const size_t count = argument_count - 2;
    orepa_picture *pictures = calloc(count, sizeof(orepa_picture));
    if (!pictures) return 71;
    for (size_t i = 0; i < count; i++) pictures[i] = orepa_picture_file(arguments[i + 2]);
    /* One call for all: a picture that cannot be read does not fail the others. */
    orepa_answers *answers = NULL;
    int status = 0;
    if (orepa->run(model, pictures, count, NULL, &answers)) {
        fprintf(stderr, "%s\n", orepa->last_error());
        status = 70;
    }
    for (size_t i = 0; i < orepa->answers_count(answers); i++) {
        orepa_prediction best = OREPA_PREDICTION;
        size_t found = 1;
        if (orepa->answers_top(answers, i, &best, &found)) {
            fprintf(stderr, "%s\n", orepa->last_error());
            status = 1;
        } else {
            printf("%s: %s %.2f %%\n", arguments[i + 2], best.label ? best.label : "?", 100 * best.probability);
        }
    }
    orepa->answers_free(answers);
    free(pictures);
    orepa->model_free(model);
    return status;
}
