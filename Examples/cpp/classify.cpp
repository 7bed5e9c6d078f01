// Names what pictures show: classify MODEL IMAGE...
#include <orepa.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace {

const orepa_api &api()
{
    static const orepa_api *const table = orepa_get_api(OREPA_API_VERSION);
    if (!table) throw std::runtime_error("this liborepa.so has another version");
    return *table;
}

void check(orepa_status status)
{
    if (status != OREPA_OK) throw std::runtime_error(api().last_error());
}

struct Free {
    void operator()(orepa_model *model) const { api().model_free(model); }
    void operator()(orepa_answers *answers) const { api().answers_free(answers); }
};

// A model that any number of threads may share.
class Model {
public:
    explicit Model(const char *path)
    {
        orepa_model *loaded = nullptr;
        check(api().model_load(path, nullptr, &loaded));
        model.reset(loaded);
    }

    // Calls `use` with the best class of the picture in a file.
    template <typename Use> void classify(const char *path, Use use) const
    {
        const orepa_picture picture = orepa_picture_file(path);
        orepa_answers *made = nullptr;
        check(api().run(model.get(), &picture, 1, nullptr, &made));
        const std::unique_ptr<orepa_answers, Free> answers(made);
        orepa_prediction best = OREPA_PREDICTION;
        size_t count = 1;
        check(api().answers_top(answers.get(), 0, &best, &count));
        use(best);
    }

private:
    std::unique_ptr<orepa_model, Free> model;
};

}  // namespace

int main(int argument_count, char **arguments)
try {
    if (argument_count < 3) {
        std::fputs("usage: classify MODEL IMAGE...\n", stderr);
        return 64;
    }
    const Model model(arguments[1]);
    for (int i = 2; i < argument_count; i++) {
        model.classify(arguments[i], [&](const orepa_prediction &best) {
            std::printf("%s: %s %.2f %%\n", arguments[i], best.label ? best.label : "?", 100 * best.probability);
        });
    }
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
