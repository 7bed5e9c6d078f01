/* Prints what a model's file records about it: describe MODEL
 *
 *     cc describe.c $(pkg-config --cflags --libs orepa) -o describe
 */
#include <orepa.h>
#include <stdio.h>

static void print_text(const char *name, const char *text)
{
    printf("%s: %s\n", name, text ? text : "not recorded");
}

static void print_numbers(const char *name, const float *numbers, size_t count)
{
    printf("%s:", name);
    for (size_t i = 0; i < count; i++) printf(" %g", numbers[i]);
    printf("\n");
}

int main(int argument_count, char **arguments)
{
    const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
    orepa_model *model = NULL;
    orepa_metadata metadata = OREPA_METADATA;
    if (!orepa) {
        fputs("this liborepa.so has another version\n", stderr);
        return 69;
    }
    if (argument_count != 2) {
        fputs("usage: describe MODEL\n", stderr);
        return 64;
    }
    if (orepa->model_load(arguments[1], NULL, &model) || orepa->model_metadata(model, &metadata)) {
        fprintf(stderr, "%s\n", orepa->last_error());
        return 65;
    }
    print_text("family", metadata.family);
    print_text("tool", metadata.tool);
    print_text("source", metadata.source_name);
    print_text("sha256", metadata.source_sha256);
    printf("resize: %zu\ncrop: %zu\n", metadata.resize, metadata.crop);
    print_numbers("mean", metadata.mean, metadata.channel_count);
    print_numbers("std", metadata.std, metadata.channel_count);
    print_text("interpolation", metadata.interpolation);
    /* A number that is not recorded is NaN, which equals nothing. */
    if (metadata.logit_error == metadata.logit_error) printf("logit error: %.1e\n", metadata.logit_error);
    else print_text("logit error", NULL);
    /* All of it, for programs: labels, assumptions and verification too. */
    printf("%s\n", metadata.json);
    orepa->model_free(model);
    return 0;
}
