#include "CDefaultModel.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const _Alignas(64) unsigned char bytes[] = {
#embed "../../models/fashion-mnist-repvgg/model.safetensors"
};
#pragma clang diagnostic pop

const void *orepa_default_model(void) { return bytes; }
size_t orepa_default_model_size(void) { return sizeof bytes; }
