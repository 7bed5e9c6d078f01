#ifndef C_EMBEDDED_DATA_H
#define C_EMBEDDED_DATA_H

#include <stddef.h>

/// Files of the repository, built into the program: never freed, never changed.
struct orepa_embedded {
    const void *bytes;
    size_t size;
};

/// models/fashion-mnist-repvgg/model.safetensors, aligned to 64.
struct orepa_embedded orepa_default_model(void);

/// models/labels/imagenet-1k.txt.
struct orepa_embedded orepa_imagenet_labels(void);

#endif
