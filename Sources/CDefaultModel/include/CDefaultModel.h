#ifndef C_DEFAULT_MODEL_H
#define C_DEFAULT_MODEL_H

#include <stddef.h>

/// The bytes of models/fashion-mnist-repvgg/model.safetensors, aligned to 64. Never freed, never changed.
const void *orepa_default_model(void);
size_t orepa_default_model_size(void);

#endif
