#include "layers.h"

const layer layers[] = {
    {"RepVGG-A0", 1, 3, 48, 224, 3, 2, 1},
    {"RepVGG-A0", 1, 48, 48, 112, 3, 2, 1},
    {"RepVGG-A0", 1, 48, 48, 56, 3, 1, 1},
    {"RepVGG-A0", 1, 48, 96, 56, 3, 2, 1},
    {"RepVGG-A0", 3, 96, 96, 28, 3, 1, 1},
    {"RepVGG-A0", 1, 96, 192, 28, 3, 2, 1},
    {"RepVGG-A0", 13, 192, 192, 14, 3, 1, 1},
    {"RepVGG-A0", 1, 192, 1280, 14, 3, 2, 1},
    {"RepVGG-A0", 1, 1280, 1000, 1, 1, 1, 1},
    {"ResNet-18", 1, 3, 64, 224, 7, 2, 1},
    {"ResNet-18", 4, 64, 64, 56, 3, 1, 1},
    {"ResNet-18", 1, 64, 128, 56, 3, 2, 1},
    {"ResNet-18", 1, 64, 128, 56, 1, 2, 1},
    {"ResNet-18", 3, 128, 128, 28, 3, 1, 1},
    {"ResNet-18", 1, 128, 256, 28, 3, 2, 1},
    {"ResNet-18", 1, 128, 256, 28, 1, 2, 1},
    {"ResNet-18", 3, 256, 256, 14, 3, 1, 1},
    {"ResNet-18", 1, 256, 512, 14, 3, 2, 1},
    {"ResNet-18", 1, 256, 512, 14, 1, 2, 1},
    {"ResNet-18", 3, 512, 512, 7, 3, 1, 1},
    {"ResNet-50", 1, 64, 64, 56, 1, 1, 1},
    {"ResNet-50", 3, 64, 64, 56, 3, 1, 1},
    {"ResNet-50", 4, 64, 256, 56, 1, 1, 1},
    {"ResNet-50", 2, 256, 64, 56, 1, 1, 1},
    {"ResNet-50", 1, 256, 128, 56, 1, 1, 1},
    {"ResNet-50", 1, 128, 128, 56, 3, 2, 1},
    {"ResNet-50", 1, 256, 512, 56, 1, 2, 1},
    {"ResNet-50", 3, 128, 128, 28, 3, 1, 1},
    {"ResNet-50", 4, 128, 512, 28, 1, 1, 1},
    {"ResNet-50", 3, 512, 128, 28, 1, 1, 1},
    {"ResNet-50", 1, 512, 256, 28, 1, 1, 1},
    {"ResNet-50", 1, 256, 256, 28, 3, 2, 1},
    {"ResNet-50", 1, 512, 1024, 28, 1, 2, 1},
    {"ResNet-50", 5, 256, 256, 14, 3, 1, 1},
    {"ResNet-50", 6, 256, 1024, 14, 1, 1, 1},
    {"ResNet-50", 5, 1024, 256, 14, 1, 1, 1},
    {"ResNet-50", 1, 1024, 512, 14, 1, 1, 1},
    {"ResNet-50", 1, 512, 512, 14, 3, 2, 1},
    {"ResNet-50", 1, 1024, 2048, 14, 1, 2, 1},
    {"ResNet-50", 2, 512, 512, 7, 3, 1, 1},
    {"ResNet-50", 3, 512, 2048, 7, 1, 1, 1},
    {"ResNet-50", 2, 2048, 512, 7, 1, 1, 1},
    {"ResNeXt-50", 3, 128, 128, 56, 3, 1, 32},
    {"ResNeXt-50", 1, 256, 256, 56, 3, 2, 32},
    {"ResNeXt-50", 3, 256, 256, 28, 3, 1, 32},
    {"ResNeXt-50", 1, 512, 512, 28, 3, 2, 32},
    {"ResNeXt-50", 5, 512, 512, 14, 3, 1, 32},
    {"ResNeXt-50", 1, 1024, 1024, 14, 3, 2, 32},
    {"ResNeXt-50", 2, 1024, 1024, 7, 3, 1, 32},
};

const int32_t layer_count = sizeof layers / sizeof *layers;

int32_t layer_output_size(const layer *l)
{
    return (l->size + 2 * (l->kernel / 2) - l->kernel) / l->stride + 1;
}

orepa_convolution layer_shape(const layer *l, int32_t images, int32_t threads)
{
    const int32_t padding = l->kernel / 2, out = layer_output_size(l);
    return (orepa_convolution){
        .input = l->inputs < 16 ? orepa_map_planar(l->inputs, l->size, l->size, padding)
                                : orepa_map_blocked(l->inputs, l->size, l->size, padding),
        .output = orepa_map_blocked(l->outputs, out, out, 0),
        .images = images, .kernel = l->kernel, .stride = l->stride, .padding = padding,
        .groups = l->groups, .relu = true, .threads = threads,
    };
}

orepa_algorithm layer_algorithm(const layer *l, orepa_isa isa)
{
    static const orepa_algorithm order[] = {orepa_winograd, orepa_stem, orepa_grouped, orepa_direct};
    const orepa_convolution shape = layer_shape(l, 1, 1);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        orepa_convolution_plan plan;
        if (orepa_convolution_prepare(&shape, order[i], isa, NULL, &plan)) return order[i];
    }
    return orepa_direct;
}

void describe_layer(const layer *l, char *text, size_t size)
{
    snprintf(
        text, size, "%s %d->%d @%d %dx%d/%d", l->network, l->inputs, l->outputs, layer_output_size(l), l->kernel,
        l->kernel, l->stride);
}
