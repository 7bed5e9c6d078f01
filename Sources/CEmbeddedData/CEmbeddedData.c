#include "CEmbeddedData.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const _Alignas(64) unsigned char default_model[] = {
#embed "../../models/fashion-mnist-repvgg/model.safetensors"
};
static const unsigned char imagenet_labels[] = {
#embed "../../models/labels/imagenet-1k.txt"
};
#pragma clang diagnostic pop

struct orepa_embedded orepa_default_model(void) {
    return (struct orepa_embedded){default_model, sizeof default_model};
}

struct orepa_embedded orepa_imagenet_labels(void) {
    return (struct orepa_embedded){imagenet_labels, sizeof imagenet_labels};
}
