#include "../kernels.h"
#include "addition_kernel.h"

ADDITION_KERNEL(portable)
