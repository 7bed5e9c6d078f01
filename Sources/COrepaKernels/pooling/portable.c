#include "../kernels.h"
#include "pooling_kernel.h"

POOLING_KERNELS(portable)
