// The convolutions of published networks, for benchmarks.
#ifndef LAYERS_H
#define LAYERS_H

#include "support.h"

typedef struct {
    const char *network;
    int32_t count;   // in the network
    int32_t inputs, outputs, size, kernel, stride, groups;
} layer;

extern const layer layers[];
extern const int32_t layer_count;

int32_t layer_output_size(const layer *l);

// For some images and threads.
orepa_convolution layer_shape(const layer *l, int32_t images, int32_t threads);

// What a plan with fast numerics computes it by: the first algorithm of its list that takes the shape.
orepa_algorithm layer_algorithm(const layer *l, orepa_isa isa);

// Such as "RepVGG-A0 192->192 @14 3x3/1".
void describe_layer(const layer *l, char *text, size_t size);

#endif
