// An item: a block of tiles transformed, multiplied with the weights of a group of output blocks, and transformed back.
#ifndef OREPA_WINOGRAD_RUN_H
#define OREPA_WINOGRAD_RUN_H

#include "../convolution.h"

void orepa_winograd_run(
    const orepa_convolution_plan *plan, const orepa_convolution_buffers *buffers,
    orepa_convolution_worker *worker, int64_t begin, int64_t end);

#endif
