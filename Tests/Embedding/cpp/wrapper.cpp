// All of orepa.hpp: wrapper MODEL LOGITS.TXT compares with what the command line printed.
#include <orepa.hpp>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#if __cplusplus >= 202002L
#include <ranges>
#include <span>
#endif

namespace {

int failures = 0;

void expect(bool holds, const std::string &what)
{
    if (!holds) {
        std::cout << "wrapper.cpp: expected " << what << '\n';
        failures++;
    }
}

// Expects that `call` throws an error of that status whose sentence holds `words`.
template <typename Call> void expect_error(orepa::Status status, const std::string &words, Call call)
{
    try {
        call();
        expect(false, "an error: " + words);
    } catch (const orepa::Error &error) {
        expect(error.code() == status, std::string(orepa::status_name(status)) + ", found " +
                std::string(orepa::status_name(error.code())) + ": " + error.what());
        expect(std::string(error.message()).find(words) != std::string::npos, words + ", found " + error.message());
    }
}

bool same(orepa::Span<const float> found, orepa::Span<const float> expected)
{
    return found.size() == expected.size() &&
        (found.empty() || std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
}

bool all_nan(orepa::Span<const float> values)
{
    for (const float value : values)
        if (!std::isnan(value))
            return false;
    return !values.empty();
}

struct Sample {
    std::string path;
    std::vector<float> logits;
};

std::vector<Sample> samples;

void read_samples(const char *path)
{
    std::ifstream file(path);
    Sample sample;
    std::size_t count = 0;
    while (file >> sample.path >> count) {
        sample.logits.clear();
        for (std::string word; sample.logits.size() < count && file >> word;)
            sample.logits.push_back(std::stof(word));
        samples.push_back(sample);
    }
}

std::vector<char> contents(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    return std::vector<char>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// A JPEG with bytes that are no marker in the place of the last one: damaged, and answered.
std::vector<char> without_end(std::vector<char> file)
{
    file.resize(file.size() - 2);
    file.resize(file.size() + 60, 0);
    return file;
}

// What handles can and cannot do is known when they are compiled.
template <typename Handle>
constexpr bool is_handle = std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle> &&
    !std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle> && std::is_nothrow_destructible_v<Handle>;
static_assert(is_handle<orepa::Model> && is_handle<orepa::Answers> && is_handle<orepa::Pool> && is_handle<orepa::Cancellation>);
static_assert(std::is_base_of_v<std::runtime_error, orepa::Error> && std::is_nothrow_copy_constructible_v<orepa::Error>);
using Floats = std::vector<float>;
static_assert(std::is_convertible_v<Floats &, orepa::Span<float>> && std::is_convertible_v<Floats &, orepa::Span<const float>>);
static_assert(std::is_convertible_v<const Floats &, orepa::Span<const float>> && std::is_convertible_v<Floats, orepa::Span<const float>>);
static_assert(!std::is_convertible_v<const Floats &, orepa::Span<float>> && !std::is_convertible_v<Floats, orepa::Span<float>>);
static_assert(!std::is_convertible_v<std::vector<double> &, orepa::Span<const float>>);
static_assert(std::is_convertible_v<orepa::Span<float>, orepa::Span<const float>> && !std::is_convertible_v<orepa::Span<const float>, orepa::Span<float>>);
#if __cplusplus >= 202002L
static_assert(std::is_convertible_v<orepa::Span<float>, std::span<float>> && std::is_convertible_v<std::span<float>, orepa::Span<const float>>);
static_assert(std::ranges::borrowed_range<orepa::Span<float>> && std::ranges::contiguous_range<orepa::Span<const float>>);
#endif

void test_spans()
{
    float array[3] = {1, 2, 3};
    const orepa::Span<const float> span(array);
    float sum = 0;
    for (const float value : span)
        sum += value;
    expect(sum == 6 && span.size() == 3 && span[2] == 3 && !span.empty(), "the sum of a span");
    expect(orepa::Span<int>().empty() && orepa::Span<int>().data() == nullptr, "an empty span");
    const orepa::Bytes bytes(std::vector<float>(2));
    expect(bytes.size() == 8, "bytes of floats");
}

void test_description(const orepa::Model &model)
{
    const orepa::ModelInfo info = model.info();
    expect(info.class_count == 10 && info.input_channels == 3 && info.input_height == 56 && info.input_width == 56 &&
            info.feature_count == 128 && info.stage_count == 5 && info.thread_count >= 1 && info.has_labels &&
            info.numerics == orepa::Numerics::fast && info.memory == orepa::Memory::fast && !info.instruction_set.empty() &&
            info.input_count() == 3 * 56 * 56,
        "the default model's info");
    expect(model.label(8) == "Bag", "the label Bag");
    expect_error(orepa::Status::invalid_argument, "index of the class", [&] { (void)model.label(10); });
    const std::vector<orepa::Stage> stages = model.stages();
    expect(stages.size() == 5 && stages[4].name == "stage4" && stages[4].channels == 128 &&
            stages[4].count() == stages[4].channels * stages[4].height * stages[4].width,
        "five stages");
    expect(model.memory().weights > 0 && model.memory(4).per_context > model.memory(1).per_context, "what memory it takes");
    model.trim();

    const orepa::Metadata metadata = model.metadata();
    expect(metadata.family == "RepVGG" && metadata.source_name == "checkpoint.pth.tar" && metadata.source_sha256 &&
            metadata.source_sha256->size() == 64 && metadata.interpolation == "bilinear",
        "what the file records");
    expect(metadata.tool == "orepa-infer " + std::string(orepa::library_version()), "the tool that wrote the file");
    expect(metadata.resize == 56 && metadata.crop == 56 && metadata.mean.size() == 3 && metadata.mean[2] == 0.5f &&
            metadata.standard_deviation.size() == 3 && metadata.standard_deviation[0] == 0.5f,
        "its preprocessing");
    expect(metadata.block_error > 0 && metadata.logit_error > 0 && metadata.fast_logit_error < 5e-4, "its verification");
    expect(metadata.json.find("\"labels\": [\"T-shirt/top\"") != std::string_view::npos, "labels in its JSON");
    expect(orepa::status_name(orepa::Status::not_finite) == "OREPA_NOT_FINITE", "the name of a status");
}

void test_answers(const orepa::Model &model)
{
    std::vector<orepa::Picture> pictures;
    for (const Sample &sample : samples)
        pictures.push_back(orepa::Picture::file(sample.path));
    pictures.push_back(orepa::Picture::file("/nowhere/none.jpg"));
    orepa::RunOptions options;
    options.features = true;
    options.stages = {"stage1", "stage4"};
    orepa::Answers answers = model.run(pictures, options);
    expect(answers.size() == samples.size() + 1, "an answer for each picture");
    std::size_t index = 0;
    for (const orepa::Answer answer : answers) {
        if (index == samples.size()) {
            expect(!answer && answer.status() == orepa::Status::not_found && answer.message() == "/nowhere/none.jpg: no such file",
                "no such file, found " + std::string(answer.message()));
            expect_error(orepa::Status::not_found, "/nowhere/none.jpg", [&] { answer.check(); });
            expect_error(orepa::Status::not_found, "/nowhere/none.jpg", [&] { (void)answer.logits(); });
            break;
        }
        const Sample &sample = samples[index++];
        answer.check();
        expect(answer && answer.message().empty() && answer.warnings().empty(), "that all is well with " + sample.path);
        expect(same(answer.logits(), sample.logits), "the bits of the command line's logits for " + sample.path);
        const std::vector<float> probabilities = answer.probabilities();
        const std::vector<orepa::Prediction> top = answer.top(3);
        expect(top.size() == 3 && top[0].label && top[0].logit == sample.logits[top[0].index] &&
                top[0].probability == probabilities[top[0].index] && top[1].logit <= top[0].logit,
            "predictions of " + sample.path);
        expect(answer.top(100).size() == 10 && answer.top(0).empty(), "as many predictions as there are");
        expect(answer.features().size() == 128, "features");
        const orepa::Values map = answer.stage(std::string("stage4"));
        expect(map.channels == 128 && map.values.size() == map.channels * map.height * map.width, "a feature map");
        expect_error(orepa::Status::invalid_argument, "stage1, stage4, found stage0", [&] { (void)answer.stage("stage0"); });
        float few[9];
        expect_error(orepa::Status::invalid_argument, "expected 10 values, found 9", [&] { answer.probabilities(few); });
    }
    expect_error(orepa::Status::invalid_argument, "index of the picture", [&] { answers[11].check(); });
    expect(answers[11].message().empty(), "no message of no picture");

    // All ways to say what to run.
    const std::filesystem::path path(samples[0].path);
    const std::vector<char> file = contents(samples[0].path);
    const std::vector<unsigned char> black(5 * 4 * 4);
    const auto same_logits = [&](const orepa::Answers &found, std::size_t place = 0) {
        return same(found[place].logits(), samples[0].logits);
    };
    expect(same_logits(model.run(orepa::Picture::file(path))), "a path");
    expect(same_logits(model.run(orepa::Picture::file(path.c_str()))), "a C string");
    expect(same_logits(model.run({orepa::Picture::pixels(black, 4, 4, orepa::Order::bgra, 20), orepa::Picture::encoded(file)}), 1),
        "two pictures");
    expect(same_logits(model.run(orepa::Picture::encoded({file.data(), file.size()}))), "bytes by address");
    expect(same_logits(model.run(orepa::Picture(orepa_picture_file(samples[0].path.c_str())))), "one that was made in C");
    expect(model.classify(orepa::Picture::file(path), 2)[0].label == "Ankle boot", "an ankle boot");
    expect_error(orepa::Status::invalid_image, "picture 0", [&] { (void)model.classify(orepa::Picture::encoded(black)); });
    expect(model.run(orepa::Span<const orepa::Picture>()).size() == 0, "no answers for no pictures");

    // A damaged file is answered, with a warning.
    const std::vector<char> damaged = without_end(file);
    const orepa::Answers warned = model.run(orepa::Picture::encoded(damaged));
    expect(warned[0].warnings().size() == 1 && warned[0].warnings()[0].find("damaged") == 0, "a warning");

    // Handles that are moved.
    const orepa_answers *raw = answers.get();
    orepa::Answers moved(std::move(answers));
    expect(moved.get() == raw && moved.size() == 11, "answers that were moved");
    moved = model.run(orepa::Picture::file(path));
    expect(same_logits(moved), "answers that were assigned");
}

void test_tensors(const orepa::Model &model)
{
    const std::size_t count = 3, size = model.info().input_count();
    std::vector<float> input(count * size);
    for (std::size_t i = 0; i < input.size(); i++)
        input[i] = static_cast<float>(i % 29) / 14 - 1;
    std::vector<orepa::Picture> pictures;
    for (std::size_t i = 0; i < count; i++)
        pictures.push_back(orepa::Picture::tensor({input.data() + i * size, size}));
    orepa::RunOptions options;
    options.features = true;
    options.stages = {"stage2"};
    const orepa::Answers expected = model.run(pictures, options);
    std::vector<float> logits(count * 10), features(count * 128), map(count * model.stage(2).count());
    const std::vector<orepa::StageOutput> stages = {{"stage2", map}};
    const orepa::Outputs outputs{logits, features, stages};
    const auto is_right = [&](const char *what) {
        for (std::size_t i = 0; i < count; i++) {
            const std::size_t area = map.size() / count;
            expect(same({logits.data() + i * 10, 10}, expected[i].logits()) &&
                    same({features.data() + i * 128, 128}, expected[i].features()) &&
                    same({map.data() + i * area, area}, expected[i].stage("stage2").values),
                what);
        }
        logits.assign(logits.size(), 0);
        features.assign(features.size(), 0);
        map.assign(map.size(), 0);
    };
    model.run_tensor(input, count, logits);
    expect(same({logits.data(), 10}, expected[0].logits()) && same({logits.data() + 20, 10}, expected[2].logits()), "logits of tensors");
    model.run_tensor_into(input, count, outputs);
    is_right("what run_tensor_into writes");
    model.run_into(pictures, outputs);
    is_right("what run_into writes");
    expect(model.try_run_into(pictures, outputs).size() == count, "answers without values");
    is_right("what try_run_into writes");

    // A picture at fault.
    pictures[1] = orepa::Picture::file("/nowhere/none.jpg");
    expect_error(orepa::Status::not_found, "/nowhere/none.jpg", [&] { model.run_into(pictures, outputs); });
    const orepa::Answers statuses = model.try_run_into(pictures, outputs);
    expect(statuses[0] && !statuses[1] && statuses[2] && statuses[1].status() == orepa::Status::not_found, "one fault");
    expect(same({logits.data() + 20, 10}, expected[2].logits()) && all_nan({logits.data() + 10, 10}) &&
            all_nan({features.data() + 128, 128}),
        "NaN for a picture at fault");
    expect_error(orepa::Status::invalid_argument, "run_into", [&] { (void)statuses[0].logits(); });

    expect_error(orepa::Status::invalid_argument, "outputs.logits: expected 30 values, found 29",
        [&] { model.run_into(pictures, {orepa::Span<float>(logits.data(), 29)}); });
    expect_error(orepa::Status::invalid_argument, "features: expected memory of its own",
        [&] { model.run_tensor_into(input, count, {logits, {logits.data(), 384}}); });
    expect_error(orepa::Status::invalid_argument, "input: expected 9408 values", [&] { model.run_tensor(input, 1, logits); });
}

void test_limits(const orepa::Model &model, const char *path)
{
    orepa::Cancellation cancellation;
    orepa::Limits limits;
    limits.cancellation = &cancellation;
    limits.timeout = std::chrono::minutes(10);
    const orepa::Picture picture = orepa::Picture::file(samples[0].path);
    expect(model.classify(picture, 1, limits).size() == 1, "an answer within the limits");
    cancellation.cancel();
    std::vector<float> input(model.info().input_count()), logits(10);
    expect_error(orepa::Status::cancelled, "", [&] { (void)model.classify(picture, 1, limits); });
    expect_error(orepa::Status::cancelled, "", [&] { model.run_tensor(input, 1, logits, limits); });
    expect_error(orepa::Status::cancelled, "", [&] { model.run_tensor_into(input, 1, {logits}, limits); });
    expect_error(orepa::Status::cancelled, "", [&] { model.run_into({&picture, 1}, {logits}, limits); });
    limits = {};
    limits.timeout = std::chrono::nanoseconds(1);
    expect_error(orepa::Status::deadline_exceeded, "", [&] { (void)model.classify(picture, 1, limits); });
    orepa::ModelOptions options;
    options.load_limits = limits;
    expect_error(orepa::Status::deadline_exceeded, "", [&] { orepa::Model(path, options); });
    options.load_limits = {};
    options.load_limits.cancellation = &cancellation;
    expect_error(orepa::Status::cancelled, "", [&] { orepa::Model(path, options); });
}

// Each field of the options arrives.
void test_options(const char *path)
{
    const orepa::Picture picture = orepa::Picture::file(samples[0].path);
    orepa::ModelOptions options;
    options.skip_probe = true;
    options.numerics = orepa::Numerics::strict;
    options.memory = orepa::Memory::small;
    options.threads = orepa::Threads::own(2);
    options.input_height = 80;
    options.input_width = 64;
    orepa::Model model(std::string(path), options);
    orepa::ModelInfo info = model.info();
    expect(info.numerics == orepa::Numerics::strict && info.memory == orepa::Memory::small && info.thread_count <= 2 &&
            info.input_height == 80 && info.input_width == 64,
        "the options of a model");
    struct Refusal {
        void (*set)(orepa::ModelOptions &);
        orepa::Status status;
        const char *words;
    };
    const Refusal refusals[] = {
        {[](orepa::ModelOptions &given) { given.maximum_multiply_adds = 1000; }, orepa::Status::invalid_model, "multiply-adds"},
        {[](orepa::ModelOptions &given) { given.maximum_model_memory = 1000; }, orepa::Status::not_readable, "1000 bytes"},
        {[](orepa::ModelOptions &given) { given.maximum_pixels = SIZE_MAX; }, orepa::Status::invalid_argument, "maximum_pixels"},
        {[](orepa::ModelOptions &given) { given.maximum_image_memory = SIZE_MAX; }, orepa::Status::invalid_argument, "maximum_image_memory"},
        {[](orepa::ModelOptions &given) { given.maximum_jpeg_scans = SIZE_MAX; }, orepa::Status::invalid_argument, "maximum_jpeg_scans"},
        {[](orepa::ModelOptions &given) { given.maximum_jpeg_scanned_samples = SIZE_MAX; }, orepa::Status::invalid_argument, "scanned_samples"},
        {[](orepa::ModelOptions &given) { given.png16 = static_cast<orepa::Png16>(2); }, orepa::Status::invalid_argument, "png16"},
        {[](orepa::ModelOptions &given) { given.threads = orepa::Threads::own(-1); }, orepa::Status::invalid_argument, "thread_count"},
        {[](orepa::ModelOptions &given) { given.threads = orepa::Threads::parallel_for(1, nullptr); }, orepa::Status::invalid_argument,
            "parallel_for"},
        {[](orepa::ModelOptions &given) { given.numerics = static_cast<orepa::Numerics>(9); }, orepa::Status::invalid_argument, "numerics"},
        {[](orepa::ModelOptions &given) { given.memory = static_cast<orepa::Memory>(9); }, orepa::Status::invalid_argument, "memory"},
    };
    for (const Refusal &refusal : refusals) {
        orepa::ModelOptions given;
        refusal.set(given);
        expect_error(refusal.status, refusal.words, [&] { orepa::Model(path, given); });
    }
    expect_error(orepa::Status::not_found, "/nowhere", [] { orepa::Model("/nowhere/model.safetensors"); });

    // Bytes, and messages to the log.
    std::vector<char> bytes = contents(path);
    std::atomic<int> infos{0}, warnings{0};
    options = {};
    options.memory = orepa::Memory::mapped;
    options.trust_packed_weights = true;
    options.exif_orientation = true;
    options.png16 = orepa::Png16::pillow;
    options.log = [&](orepa::LogLevel level, const char *message) {
        (level == orepa::LogLevel::warning ? warnings : infos)++;
        expect(std::string(message).find("named") == 0, "the model's name in the log");
    };
    model = orepa::Model::from_bytes(bytes, options, "named");
    bytes.assign(bytes.size(), 0);
    expect(infos == 1 && warnings == 1, "an info, and a warning that the file has no packed weights");
    expect(same(model.run(picture)[0].logits(), samples[0].logits), "a model made from bytes");
    expect_error(orepa::Status::invalid_model, "model", [&] { orepa::Model::from_bytes(bytes); });

    // Strict pictures.
    const std::vector<char> damaged = without_end(contents(samples[0].path));
    options = {};
    options.strict_pictures = true;
    expect_error(orepa::Status::invalid_image, "picture 0",
        [&] { (void)orepa::Model(path, options).classify(orepa::Picture::encoded(damaged)); });

    // A model that was moved from is none.
    orepa::Model taken(std::move(model));
    expect(model.get() == nullptr && taken.get() != nullptr, "that the handle was moved");
    expect_error(orepa::Status::invalid_argument, "model: expected an orepa_model, found NULL", [&] { (void)model.info(); });
    model = std::move(taken);
    expect(model.info().class_count == 10, "a model that was moved back");
}

void test_threads(const char *path)
{
    const orepa::Picture picture = orepa::Picture::file(samples[0].path);
    orepa::ModelOptions options;
    auto pool = std::make_unique<orepa::Pool>(2);
    expect(pool->thread_count() >= 1 && pool->get(), "a pool");
    options.threads = orepa::Threads::shared(*pool);
    const orepa::Model first(path, options), second(path, options);
    pool.reset();
    expect_error(orepa::Status::invalid_argument, "thread_count", [] { orepa::Pool(-1); });
    options.threads = orepa::Threads::caller();
    const orepa::Model third(path, options);
    expect(third.info().thread_count == 1, "the calling thread only");
    std::atomic<int> loops{0};
    options.threads = orepa::Threads::parallel_for(2, [&loops](std::size_t item_count, orepa::LoopBody body) {
        loops++;
        std::vector<std::thread> threads;
        for (std::size_t item = 1; item < item_count; item++)
            threads.emplace_back(body, item);
        body(0);
        for (std::thread &thread : threads)
            thread.join();
    });
    std::optional<orepa::Model> fourth(std::in_place, path, options);
    // The model keeps the loop, and so do its answers.
    options.threads = orepa::Threads::own();
    const orepa::Answers answers = fourth->run(picture);
    expect(loops > 0, "that the loop runs");
    for (const orepa::Model *model : std::initializer_list<const orepa::Model *>{&first, &second, &third, &*fourth})
        expect(same(model->run(picture)[0].logits(), samples[0].logits), "the same logits on any threads");
    fourth.reset();
    expect(same(answers[0].logits(), samples[0].logits) && answers[0].top(1)[0].label == "Ankle boot", "answers that outlive their model");

    std::vector<std::thread> threads;
    std::atomic<int> equal{0};
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] { equal += same(first.run(picture)[0].logits(), samples[0].logits); });
    for (std::thread &thread : threads)
        thread.join();
    expect(equal == 4, "the same logits for four threads");
}

}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    try {
        read_samples(argv[2]);
        expect(samples.size() == 10, "ten samples");
        const orepa::Model model(argv[1]);
        test_spans();
        test_description(model);
        test_answers(model);
        test_tensors(model);
        test_limits(model, argv[1]);
        test_options(argv[1]);
        test_threads(argv[1]);
    } catch (const std::exception &error) {
        std::cout << "wrapper.cpp: " << error.what() << '\n';
        return 1;
    }
    std::cout << "orepa.hpp, C++" << __cplusplus / 100 << ": " << (failures ? "failed" : "passed") << '\n';
    return failures > 0;
}
