#include "orepa_machine.h"

#include "../kernels.h"

float orepa_machine_multiply(orepa_isa isa, float factor, int64_t rounds)
{
    return orepa_singles[isa].machine_multiply(factor, rounds);
}

float orepa_machine_read(orepa_isa isa, const float *memory, int64_t count)
{
    return orepa_singles[isa].machine_read(memory, count);
}
