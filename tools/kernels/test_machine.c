#include "test.h"

// Sums of small whole numbers are exact in any order.
void test_machine(void)
{
    const int32_t rounds = random_int(0, 500), count = 64 * random_int(0, 40);
    float *memory = floats((size_t)count);
    float sum = 0;
    for (int32_t i = 0; i < count; i++) sum += memory[i] = (float)random_int(-9, 9);
    const float factor = (float)random_int(1, 4);
    const float products = factor * factor * (float)(rounds * OREPA_MACHINE_VECTORS * 16);
    for (int isa = 0; isa <= (int)orepa_isa_best(); isa++) {
        const char *name = orepa_isa_name((orepa_isa)isa);
        const float multiplied = orepa_machine_multiply((orepa_isa)isa, factor, rounds);
        const float read = orepa_machine_read((orepa_isa)isa, memory, count);
        if (multiplied != products) FAIL("machine multiply on %s is %g, not %g", name, multiplied, products);
        if (read != sum) FAIL("machine read on %s is %g, not %g", name, read, sum);
    }
    free(memory);
}
