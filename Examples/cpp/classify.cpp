// Names what pictures show: classify MODEL IMAGE...
#include <orepa.hpp>

#include <cstdio>

int main(int argument_count, char **arguments)
try {
    if (argument_count < 3) {
        std::fputs("usage: classify MODEL IMAGE...\n", stderr);
        return 64;
    }
    // A model may be shared by any number of threads.
    const orepa::Model model(arguments[1]);
    for (int i = 2; i < argument_count; i++) {
        const orepa::Prediction best = model.classify(orepa::Picture::file(arguments[i]), 1).at(0);
        std::printf("%s: %s %.2f %%\n", arguments[i], best.label.value_or("?").c_str(), 100 * best.probability);
    }
} catch (const orepa::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
