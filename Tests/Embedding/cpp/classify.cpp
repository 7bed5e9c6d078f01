// A C++ program on the C interface: classify MODEL LOGITS.TXT compares with what the command line printed.
#include <orepa.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

const orepa_api &orepa()
{
    static const orepa_api *const table = orepa_get_api(OREPA_API_VERSION);
    if (!table)
        throw std::runtime_error("liborepa has no functions of this version");
    return *table;
}

struct Error : std::runtime_error {
    explicit Error(orepa_status status) : std::runtime_error(orepa().last_error()), status(status) {}
    orepa_status status;
};

void check(orepa_status status)
{
    if (status != OREPA_OK)
        throw Error(status);
}

struct Free {
    void operator()(orepa_model *model) const { orepa().model_free(model); }
    void operator()(orepa_answers *answers) const { orepa().answers_free(answers); }
};

using Answers = std::unique_ptr<orepa_answers, Free>;

class Model {
public:
    explicit Model(const std::string &path, const orepa_model_options &options = OREPA_MODEL_OPTIONS)
    {
        orepa_model *model = nullptr;
        check(orepa().model_load(path.c_str(), &options, &model));
        model_.reset(model);
    }

    Answers run(const std::vector<orepa_picture> &pictures) const
    {
        orepa_answers *answers = nullptr;
        check(orepa().run(model_.get(), pictures.data(), pictures.size(), nullptr, &answers));
        return Answers(answers);
    }

private:
    std::unique_ptr<orepa_model, Free> model_;
};

std::vector<float> logits(const orepa_answers *answers, std::size_t index)
{
    orepa_values values = OREPA_VALUES;
    check(orepa().answers_logits(answers, index, &values));
    return std::vector<float>(values.values, values.values + values.count);
}

struct Sample {
    std::string path;
    std::vector<float> logits;
};

std::vector<Sample> read_samples(const char *path)
{
    std::vector<Sample> samples;
    std::ifstream file(path);
    Sample sample;
    std::size_t count = 0;
    while (file >> sample.path >> count) {
        sample.logits.clear();
        for (std::string word; sample.logits.size() < count && file >> word;)
            sample.logits.push_back(std::stof(word));
        samples.push_back(sample);
    }
    return samples;
}

int failures = 0;

void expect(bool holds, const std::string &what)
{
    if (!holds) {
        std::cout << "classify.cpp: expected " << what << '\n';
        failures++;
    }
}

}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    try {
        const Model model(argv[1]);
        const auto samples = read_samples(argv[2]);
        expect(samples.size() == 10, "ten samples");
        std::vector<orepa_picture> pictures;
        for (const auto &sample : samples)
            pictures.push_back(orepa_picture_file(sample.path.c_str()));
        const auto answers = model.run(pictures);
        for (std::size_t i = 0; i < samples.size(); i++) {
            const auto found = logits(answers.get(), i);
            expect(found.size() == samples[i].logits.size() &&
                    std::memcmp(found.data(), samples[i].logits.data(), found.size() * sizeof(float)) == 0,
                "the bits of the command line's logits for " + samples[i].path);
            orepa_prediction best = OREPA_PREDICTION;
            std::size_t count = 1;
            check(orepa().answers_top(answers.get(), i, &best, &count));
            std::cout << samples[i].path << ": " << best.label << ' ' << best.probability << '\n';
        }

        std::vector<std::thread> threads;
        std::vector<int> equal(4);
        for (std::size_t t = 0; t < equal.size(); t++)
            threads.emplace_back([&, t] {
                const auto answers = model.run({pictures[t]});
                equal[t] = logits(answers.get(), 0) == samples[t].logits;
            });
        for (auto &thread : threads)
            thread.join();
        for (const int is_equal : equal)
            expect(is_equal, "the same logits on another thread");

        try {
            Model("/nowhere/model.safetensors");
            expect(false, "an error for a missing model");
        } catch (const Error &error) {
            expect(error.status == OREPA_NOT_FOUND, "OREPA_NOT_FOUND");
            expect(std::string(error.what()).find("/nowhere") != std::string::npos, "the path in the message");
        }
    } catch (const std::exception &error) {
        std::cout << "classify.cpp: " << error.what() << '\n';
        return 1;
    }
    std::cout << "C++: " << (failures ? "failed" : "passed") << '\n';
    return failures > 0;
}
