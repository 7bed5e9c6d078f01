// SIMD kernels for folded networks. C only where Swift cannot say it; everything is pure computation on
// memory that the caller owns.
#ifndef COREPA_KERNELS_H
#define COREPA_KERNELS_H

#include "orepa_convolution.h"
#include "orepa_isa.h"
#include "orepa_machine.h"
#include "orepa_map.h"
#include "orepa_pooling.h"
#include "orepa_stop.h"
#include "orepa_tuning.h"

#endif
