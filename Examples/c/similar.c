/* Tells how similar pictures are to the first one, by the angle between their feature vectors: similar MODEL IMAGE...
 *
 * The vectors are written where the program wants them, one after the other.
 *
 *     cc similar.c $(pkg-config --cflags --libs orepa) -lm -o similar
 */
#include <orepa.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double product(const float *first, const float *second, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)first[i] * (double)second[i];
    return sum;
}

int main(int argument_count, char **arguments)
{
    const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
    if (!orepa) {
        fputs("this liborepa.so has another version\n", stderr);
        return 69;
    }
    if (argument_count < 3) {
        fputs("usage: similar MODEL IMAGE...\n", stderr);
        return 64;
    }
    orepa_model *model = NULL;
    orepa_model_info info = OREPA_MODEL_INFO;
    if (orepa->model_load(arguments[1], NULL, &model) || orepa->model_describe(model, &info)) {
        fprintf(stderr, "%s\n", orepa->last_error());
        return 65;
    }
    const size_t count = argument_count - 2;
    orepa_picture *pictures = calloc(count, sizeof(orepa_picture));
    orepa_outputs outputs = OREPA_OUTPUTS;
    outputs.logit_count = count * info.class_count;
    outputs.logits = calloc(outputs.logit_count, sizeof(float));
    outputs.feature_value_count = count * info.feature_count;
    outputs.features = calloc(outputs.feature_value_count, sizeof(float));
    if (!pictures || !outputs.logits || !outputs.features) return 71;
    for (size_t i = 0; i < count; i++) pictures[i] = orepa_picture_file(arguments[i + 2]);
    /* Without a place for answers the first picture that cannot be read fails the call. */
    int status = 0;
    if (orepa->run_into(model, pictures, count, &outputs, NULL, NULL)) {
        fprintf(stderr, "%s\n", orepa->last_error());
        status = 1;
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        const float *first = outputs.features, *other = outputs.features + i * info.feature_count;
        const double size = sqrt(product(first, first, info.feature_count) * product(other, other, info.feature_count));
        printf("%s: %.3f\n", arguments[i + 2], product(first, other, info.feature_count) / size);
    }
    free(outputs.features);
    free(outputs.logits);
    free(pictures);
    orepa->model_free(model);
    return status;
}
