/*
 * orepa: image classifiers with folded training blocks, on CPUs. The C++ interface of liborepa.so: a wrapper over orepa.h in
 * one header, for C++17 and later.
 *
 *     #include <orepa.hpp>
 *     #include <iostream>
 *
 *     int main()
 *     try {
 *         const orepa::Model model("model.safetensors");
 *         for (const auto &prediction : model.classify(orepa::Picture::file("boot.jpg"), 3))
 *             std::cout << prediction.label.value_or("?") << ' ' << 100 * prediction.probability << " %\n";
 *     } catch (const orepa::Error &error) {
 *         std::cerr << error.what() << '\n';
 *         return 1;
 *     }
 *
 * What orepa.h says of memory, threads, processes and callbacks holds here; comments say what differs.
 *
 * Errors. A function that fails throws orepa::Error, which has the status and the sentence of the C interface. A picture that
 * is at fault fails by itself: its Answer has a status, and throws when it is asked for values. Destructors, moves and what
 * is noexcept throw nothing. Programs that are built without exceptions (-fno-exceptions) take orepa.h, whose functions return
 * a status each: a second set of functions here that does the same would be that header once more.
 *
 * Handles (Model, Answers, Pool, Cancellation) are moved, never copied, and freed by their destructors. One that was moved
 * from may be destroyed and assigned to; all else of it is Status::invalid_argument. const functions of one object may be
 * called by any number of threads at a time.
 *
 * Borrowing. Picture, StageOutput, Span, Bytes and pointers in options own nothing: what they point to has to stay until the
 * call that they are passed to returns. What functions return as Span, std::string_view or Answer points into the object
 * that gave it, and is valid as long as that.
 */
#ifndef OREPA_HPP
#define OREPA_HPP

#if __cplusplus < 201703L
#error "orepa.hpp: expected C++17 or later (-std=c++17); orepa.h takes any C++"
#endif
#if !defined(__cpp_exceptions)
#error "orepa.hpp: expected a program with exceptions; without them use orepa.h, whose functions return a status"
#endif

#include <orepa.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <ranges>
#endif

namespace orepa {

// ---- Choices: the numbers of orepa.h, which has what each means ----

enum class Status : std::int32_t {
    ok = OREPA_OK,
    not_found = OREPA_NOT_FOUND,
    not_readable = OREPA_NOT_READABLE,
    invalid_model = OREPA_INVALID_MODEL,
    probe_failed = OREPA_PROBE_FAILED,
    invalid_image = OREPA_INVALID_IMAGE,
    invalid_argument = OREPA_INVALID_ARGUMENT,
    out_of_memory = OREPA_OUT_OF_MEMORY,
    deadline_exceeded = OREPA_DEADLINE_EXCEEDED,
    cancelled = OREPA_CANCELLED,
    not_finite = OREPA_NOT_FINITE,
    invalid_environment = OREPA_INVALID_ENVIRONMENT,
    unsupported = OREPA_UNSUPPORTED,
};

enum class Numerics : std::int32_t { fast = OREPA_NUMERICS_FAST, strict = OREPA_NUMERICS_STRICT };

enum class Memory : std::int32_t { fast = OREPA_MEMORY_FAST, small = OREPA_MEMORY_SMALL, mapped = OREPA_MEMORY_MAPPED };

enum class LogLevel : std::int32_t { info = OREPA_LOG_INFO, warning = OREPA_LOG_WARNING };

enum class Order : std::int32_t {
    rgb = OREPA_ORDER_RGB,
    bgr = OREPA_ORDER_BGR,
    rgba = OREPA_ORDER_RGBA,
    bgra = OREPA_ORDER_BGRA,
    grey = OREPA_ORDER_GREY,
};

enum class Png16 : std::int32_t { high = OREPA_PNG16_HIGH, pillow = OREPA_PNG16_PILLOW };

// ---- Errors ----

// What went wrong: what() says what was expected and what was found.
class Error : public std::runtime_error {
public:
    Error(Status code, const std::string &message) : std::runtime_error(message), code_(code) {}

    // Which status it is. A newer library may give numbers that Status does not name.
    Status code() const noexcept { return code_; }
    // The same as what().
    const char *message() const noexcept { return what(); }

private:
    Status code_;
};

// ---- Memory of others ----

// Elements one after the other that somebody else owns, as C++20's std::span, which it becomes and is made of. It is one type
// in every version of the language, so that parts of a program that are compiled for different ones fit together.
template <typename T> class Span {
    template <typename U> using IfElementsFit = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>;

public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using size_type = std::size_t;
    using iterator = T *;

    constexpr Span() noexcept = default;
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    // A std::vector, a std::array, another span: whatever has data() and size().
    template <typename Container,
        typename = IfElementsFit<std::remove_pointer_t<decltype(std::declval<Container &>().data())>>,
        typename = decltype(std::declval<Container &>().size())>
    constexpr Span(Container &container) : data_(container.data()), size_(container.size()) {}
    // One that is const or about to go, for spans that only read.
    template <typename Container,
        typename = IfElementsFit<std::remove_pointer_t<decltype(std::declval<const Container &>().data())>>,
        typename = decltype(std::declval<const Container &>().size())>
    constexpr Span(const Container &container) : data_(container.data()), size_(container.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    // An index from 0 to size() - 1, which is not checked.
    constexpr T &operator[](std::size_t index) const { return data_[index]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

// Bytes that somebody else owns: of a std::string, of a std::vector, of anything else that is contiguous, or by address.
class Bytes {
public:
    constexpr Bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <typename Container,
        typename Element = std::remove_pointer_t<decltype(std::declval<const Container &>().data())>,
        typename = std::enable_if_t<std::is_trivially_copyable_v<Element>>>
    constexpr Bytes(const Container &container) : data_(container.data()), size_(container.size() * sizeof(Element)) {}

    constexpr const void *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }

private:
    const void *data_;
    std::size_t size_;
};

class Cancellation;
class Model;
class Pool;

namespace detail {

// The table of functions. Throws Status::unsupported when the library has none of this version.
inline const orepa_api &api()
{
    static const orepa_api *const table = orepa_get_api(OREPA_API_VERSION);
    if (!table)
        throw Error(Status::unsupported, "liborepa: expected functions of version " + std::to_string(OREPA_API_VERSION) + ", found none");
    return *table;
}

inline void check(orepa_status status)
{
    if (status != OREPA_OK)
        throw Error(static_cast<Status>(status), api().last_error());
}

// Throws Status::unsupported where the library in use is older than a function, which ends at that byte of the table.
inline void require(std::size_t end, const char *name)
{
    if (api().size < end)
        throw Error(Status::unsupported,
            std::string(name) + ": expected a library that has it, found version " + api().library_version);
}

struct Free {
    void operator()(orepa_model *model) const noexcept { api().model_free(model); }
    void operator()(orepa_answers *answers) const noexcept { api().answers_free(answers); }
    void operator()(orepa_pool *pool) const noexcept { api().pool_free(pool); }
    void operator()(orepa_cancellation *cancellation) const noexcept { api().cancellation_free(cancellation); }
};

template <typename Thing> using Owner = std::unique_ptr<Thing, Free>;

// The address of a C string that something holds: a pointer, a std::string, a std::filesystem::path.
inline const char *c_string(const char *string) noexcept { return string; }
template <typename String> auto c_string(const String &string) noexcept -> decltype(static_cast<const char *>(string.c_str()))
{
    return string.c_str();
}
template <typename String> using IfString = decltype(c_string(std::declval<const String &>()));

inline std::optional<double> recorded(double number)
{
    return std::isnan(number) ? std::nullopt : std::optional<double>(number);
}

inline std::optional<std::string_view> recorded(const char *string)
{
    return string ? std::optional<std::string_view>(string) : std::nullopt;
}

}  // namespace detail

// Of the library, such as "0.1.0".
inline std::string_view library_version() { return detail::api().library_version; }

// Its name in orepa.h, such as "OREPA_NOT_FOUND"; "unknown status" for a number that is none.
inline std::string_view status_name(Status status) { return detail::api().status_name(static_cast<orepa_status>(status)); }

// ---- Threads, and how calls end early ----

// Threads that models share.
class Pool {
public:
    // `thread_count` threads, of which the calling thread of a call is one; 0: one for each available processor.
    explicit Pool(int thread_count = 0)
    {
        orepa_pool *made = nullptr;
        detail::check(detail::api().pool_new(thread_count, &made));
        pool_.reset(made);
    }

    // How many run a call at most: fewer than were asked for when the system refuses some.
    std::size_t thread_count() const noexcept { return detail::api().pool_thread_count(pool_.get()); }
    orepa_pool *get() const noexcept { return pool_.get(); }

private:
    detail::Owner<orepa_pool> pool_;
};

// Stops calls from another thread. Any number of calls may share one; it stays until they have returned.
class Cancellation {
public:
    Cancellation()
    {
        orepa_cancellation *made = nullptr;
        detail::check(detail::api().cancellation_new(&made));
        cancellation_.reset(made);
    }

    // Once and for all: calls that run or start with it fail. May be called in a signal handler.
    void cancel() const noexcept { detail::api().cancellation_cancel(cancellation_.get()); }
    orepa_cancellation *get() const noexcept { return cancellation_.get(); }

private:
    detail::Owner<orepa_cancellation> cancellation_;
};

// When a call gives up.
struct Limits {
    // From its start on, with Status::deadline_exceeded. 0: never.
    std::chrono::nanoseconds timeout{0};
    // With Status::cancelled; or nullptr.
    const Cancellation *cancellation = nullptr;
};

// One of the turns of a loop, which are numbered from 0.
class LoopBody {
public:
    LoopBody(orepa_loop_body body, void *context) noexcept : body_(body), context_(context) {}
    void operator()(std::size_t item) const { body_(context_, item); }

private:
    orepa_loop_body body_;
    void *context_;
};

// Calls body(item) once for each item in 0 ... item_count - 1, in any order, on any threads, and returns when all these calls
// have returned: orepa_parallel_for. An exception that leaves it ends the process.
using ParallelFor = std::function<void(std::size_t item_count, LoopBody body)>;

// Takes a message, on any thread, also on several at a time. An exception that leaves it ends the process.
using Log = std::function<void(LogLevel level, const char *message)>;

// On which threads a model runs. The bits of the answers do not depend on it.
class Threads {
public:
    // A pool of the model's own; 0: a thread for each available processor.
    static Threads own(int count = 0) { return Threads(OREPA_THREADS_OWN, count); }
    // A pool that several models share. It may be destroyed once the model is made.
    static Threads shared(const Pool &pool)
    {
        Threads threads(OREPA_THREADS_SHARED, 0);
        threads.pool_ = pool.get();
        return threads;
    }
    // The calling thread only.
    static Threads caller() { return Threads(OREPA_THREADS_CALLER, 0); }
    // The caller's own loop, of at most `count` turns. Model and Answers keep it.
    static Threads parallel_for(int count, ParallelFor loop)
    {
        Threads threads(OREPA_THREADS_PARALLEL_FOR, count);
        threads.loop_ = std::move(loop);
        return threads;
    }

private:
    friend class Model;
    Threads(std::int32_t kind, int count) : kind_(kind), count_(count) {}

    std::int32_t kind_;
    int count_;
    orepa_pool *pool_ = nullptr;
    ParallelFor loop_;
};

// ---- Models ----

// How a model is made: orepa_model_options. Numbers that are 0 have their defaults.
struct ModelOptions {
    Numerics numerics = Numerics::fast;
    Memory memory = Memory::fast;
    Threads threads = Threads::own();
    // Height and width of the network's input, in pixels; 0 and 0: what the model was made for.
    int input_height = 0;
    int input_width = 0;
    bool skip_probe = false;
    bool exif_orientation = false;
    bool trust_packed_weights = false;
    bool strict_pictures = false;
    Png16 png16 = Png16::high;
    std::size_t maximum_pixels = 0;
    std::size_t maximum_image_memory = 0;
    std::size_t maximum_jpeg_scans = 0;
    std::size_t maximum_jpeg_scanned_samples = 0;
    std::uint64_t maximum_multiply_adds = 0;
    std::size_t maximum_model_memory = 0;
    // When making the model gives up.
    Limits load_limits{};
    // Takes the library's messages; the model keeps it.
    Log log{};
};

// What a model is: orepa_model_info.
struct ModelInfo {
    std::size_t class_count = 0;
    std::size_t input_channels = 0;
    std::size_t input_height = 0;
    std::size_t input_width = 0;
    std::size_t feature_count = 0;
    std::size_t stage_count = 0;
    std::size_t thread_count = 0;
    Numerics numerics = Numerics::fast;
    Memory memory = Memory::fast;
    std::string_view instruction_set;
    bool has_labels = false;

    // Values of the network's input for one picture.
    std::size_t input_count() const noexcept { return input_channels * input_height * input_width; }
};

// A stage of a network: a run of blocks of one resolution, and the size of its feature map.
struct Stage {
    std::string_view name;
    std::size_t channels = 0;
    std::size_t height = 0;
    std::size_t width = 0;

    // Values of its feature map for one picture.
    std::size_t count() const noexcept { return channels * height * width; }
};

// Bytes of memory that a model takes, beside what decoding a picture does for a while.
struct MemoryRequirement {
    std::size_t weights = 0;
    std::size_t per_context = 0;
};

// What the model's file records about it: orepa_metadata. std::nullopt where it records nothing.
struct Metadata {
    std::string_view json;
    std::string_view family;
    std::string_view tool;
    std::optional<std::string_view> source_name;
    std::optional<std::string_view> source_sha256;
    std::size_t resize = 0;
    std::size_t crop = 0;
    // By channel.
    Span<const float> mean;
    Span<const float> standard_deviation;
    std::string_view interpolation;
    std::optional<double> block_error;
    std::optional<double> logit_error;
    std::optional<double> fast_logit_error;
};

// ---- What goes in ----

// A picture, borrowed until the call that it is passed to returns.
class Picture {
public:
    // The JPEG or PNG file at a path: a const char *, a std::string, a std::filesystem::path.
    template <typename Path, typename = detail::IfString<Path>> static Picture file(const Path &path) noexcept
    {
        return Picture(orepa_picture_file(detail::c_string(path)));
    }
    static Picture file(const char *path) noexcept { return Picture(orepa_picture_file(path)); }
    // The bytes of a JPEG or PNG file.
    static Picture encoded(Bytes bytes) noexcept { return Picture(orepa_picture_encoded(bytes.data(), bytes.size())); }
    // 8-bit pixels, rows from the top; `bytes_per_row` may be 0 when nothing is between rows.
    static Picture pixels(
        Bytes pixels, std::size_t width, std::size_t height, Order order = Order::rgb, std::size_t bytes_per_row = 0) noexcept
    {
        return Picture(orepa_picture_pixels(
            pixels.data(), pixels.size(), width, height, bytes_per_row, static_cast<std::int32_t>(order)));
    }
    // The network's input, [channels, height, width].
    static Picture tensor(Span<const float> values) noexcept
    {
        return Picture(orepa_picture_tensor(values.data(), values.size()));
    }
    // One that was made in C.
    explicit Picture(const orepa_picture &picture) noexcept : picture_(picture) {}

    const orepa_picture &get() const noexcept { return picture_; }

private:
    orepa_picture picture_;
};

static_assert(sizeof(Picture) == sizeof(orepa_picture) && std::is_standard_layout_v<Picture>,
    "an array of pictures is one of the C interface's");

// What a call is to find out beside the logits, and how long it may take.
struct RunOptions {
    // Whether to keep the values before the linear layer.
    bool features = false;
    // Names of the stages whose feature maps to keep.
    std::vector<std::string> stages{};
    Limits limits{};
};

// ---- What comes out ----

// One class in the answer about a picture: orepa_prediction.
struct Prediction {
    std::size_t index = 0;
    // std::nullopt when the model has no labels.
    std::optional<std::string> label;
    float probability = 0;
    float logit = 0;
};

// Values and their shape, [channels, height, width]. Logits and features have height and width 1.
struct Values {
    Span<const float> values;
    std::size_t channels = 0;
    std::size_t height = 0;
    std::size_t width = 0;
};

// What a call found out about one picture: a view into Answers. What gives values throws where the picture is at fault.
class Answer {
public:
    Answer(const orepa_answers *answers, std::size_t index) noexcept : answers_(answers), index_(index) {}

    Status status() const { return static_cast<Status>(detail::api().answers_status(answers_, index_)); }
    // Whether all is well with the picture.
    explicit operator bool() const { return status() == Status::ok; }
    // What is wrong with it, empty when nothing is.
    std::string_view message() const
    {
        const char *message = detail::api().answers_message(answers_, index_);
        return message ? message : "";
    }
    // Throws what is wrong with it, if something is.
    void check() const { detail::check(detail::api().answers_status(answers_, index_)); }
    // What is odd about its file, a sentence each.
    std::vector<std::string_view> warnings() const
    {
        std::vector<std::string_view> warnings;
        while (const char *warning = detail::api().answers_warning(answers_, index_, warnings.size()))
            warnings.emplace_back(warning);
        return warnings;
    }

    // The `count` largest logits, largest first, no more than there are classes.
    std::vector<Prediction> top(std::size_t count = 5) const
    {
        const std::size_t class_count = logits().size();
        std::vector<orepa_prediction> found(count < class_count ? count : class_count, orepa_prediction OREPA_PREDICTION);
        std::size_t found_count = found.size();
        detail::check(detail::api().answers_top(answers_, index_, found.data(), &found_count));
        std::vector<Prediction> predictions;
        predictions.reserve(found_count);
        for (std::size_t rank = 0; rank < found_count; rank++) {
            const orepa_prediction &one = found[rank];
            predictions.push_back({one.index, one.label ? std::optional<std::string>(one.label) : std::nullopt,
                one.probability, one.logit});
        }
        return predictions;
    }

    Span<const float> logits() const { return take(detail::api().answers_logits).values; }
    std::vector<float> probabilities() const
    {
        std::vector<float> probabilities(logits().size());
        this->probabilities(probabilities);
        return probabilities;
    }
    // Writes them where the caller says: as many as there are classes.
    void probabilities(Span<float> target) const
    {
        detail::check(detail::api().answers_probabilities(answers_, index_, target.data(), target.size()));
    }
    // The values before the linear layer, if the call asked for them.
    Span<const float> features() const { return take(detail::api().answers_features).values; }
    // The feature map of a stage, if the call asked for it.
    template <typename Name, typename = detail::IfString<Name>> Values stage(const Name &name) const
    {
        return stage(detail::c_string(name));
    }
    Values stage(const char *name) const
    {
        orepa_values values = OREPA_VALUES;
        detail::check(detail::api().answers_stage(answers_, index_, name, &values));
        return shaped(values);
    }

private:
    static Values shaped(const orepa_values &values)
    {
        return {{values.values, values.count}, values.channels, values.height, values.width};
    }
    Values take(orepa_status (*function)(const orepa_answers *, std::size_t, orepa_values *)) const
    {
        orepa_values values = OREPA_VALUES;
        detail::check(function(answers_, index_, &values));
        return shaped(values);
    }

    const orepa_answers *answers_;
    std::size_t index_;
};

namespace detail {

// What the library calls, in memory that stays where it is.
struct Callbacks {
    ParallelFor loop;
    Log log;

    static void call_loop(void *context, std::size_t item_count, orepa_loop_body body, void *body_context) noexcept
    {
        static_cast<const Callbacks *>(context)->loop(item_count, LoopBody(body, body_context));
    }
    static void call_log(void *context, std::int32_t level, const char *message) noexcept
    {
        static_cast<const Callbacks *>(context)->log(static_cast<LogLevel>(level), message);
    }
};

// A handle, freed before the callbacks that its threads may call.
template <typename Thing> class Kept {
public:
    Kept() = default;
    Kept(Thing *thing, std::shared_ptr<Callbacks> callbacks) : callbacks_(std::move(callbacks)), thing_(thing) {}
    Kept(Kept &&) noexcept = default;
    Kept &operator=(Kept &&other) noexcept
    {
        Kept taken(std::move(other));
        callbacks_.swap(taken.callbacks_);
        thing_.swap(taken.thing_);
        return *this;
    }

    Thing *get() const noexcept { return thing_.get(); }
    const std::shared_ptr<Callbacks> &callbacks() const noexcept { return callbacks_; }

private:
    std::shared_ptr<Callbacks> callbacks_;
    Owner<Thing> thing_;
};

}  // namespace detail

// What a call found out about its pictures. Immutable; stays valid when the model is gone.
class Answers {
public:
    // Over the answers, in the order of the pictures.
    class Iterator {
    public:
        Iterator(const orepa_answers *answers, std::size_t index) noexcept : answers_(answers), index_(index) {}
        Answer operator*() const noexcept { return {answers_, index_}; }
        Iterator &operator++() noexcept
        {
            index_++;
            return *this;
        }
        bool operator!=(const Iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const orepa_answers *answers_;
        std::size_t index_;
    };

    // Number of pictures.
    std::size_t size() const noexcept { return detail::api().answers_count(answers_.get()); }
    // About the picture `index`. One that there is not is Status::invalid_argument, once it is asked for something.
    Answer operator[](std::size_t index) const noexcept { return {answers_.get(), index}; }
    Iterator begin() const noexcept { return {answers_.get(), 0}; }
    Iterator end() const noexcept { return {answers_.get(), size()}; }
    const orepa_answers *get() const noexcept { return answers_.get(); }

private:
    friend class Model;
    Answers(orepa_answers *answers, const std::shared_ptr<detail::Callbacks> &callbacks) : answers_(answers, callbacks) {}

    detail::Kept<orepa_answers> answers_;
};

// Where a call writes the feature maps of a stage, [picture_count, channels, height, width], borrowed.
class StageOutput {
public:
    StageOutput(const char *name, Span<float> values) noexcept : output_(OREPA_STAGE_OUTPUT)
    {
        output_.name = name;
        output_.values = values.data();
        output_.count = values.size();
    }
    template <typename Name, typename = detail::IfString<Name>>
    StageOutput(const Name &name, Span<float> values) noexcept : StageOutput(detail::c_string(name), values)
    {
    }

    const orepa_stage_output &get() const noexcept { return output_; }

private:
    orepa_stage_output output_;
};

static_assert(sizeof(StageOutput) == sizeof(orepa_stage_output) && std::is_standard_layout_v<StageOutput>,
    "an array of outputs is one of the C interface's");

// Where a call writes what it finds out: memory of the caller's, no part of it twice.
struct Outputs {
    // [picture_count, class_count].
    Span<float> logits;
    // [picture_count, feature_count], the values before the linear layer; empty: not wanted.
    Span<float> features{};
    Span<const StageOutput> stages{};
};

// A deployed model, ready to run. Immutable: any number of threads may use one together.
class Model {
public:
    // From the file at a path: a const char *, a std::string, a std::filesystem::path.
    explicit Model(const char *path, const ModelOptions &options = {})
    {
        make(options, [&](const orepa_model_options &given, orepa_model **made) {
            return detail::api().model_load(path, &given, made);
        });
    }
    template <typename Path, typename = detail::IfString<Path>>
    explicit Model(const Path &path, const ModelOptions &options = {}) : Model(detail::c_string(path), options)
    {
    }
    // From a copy of the bytes of a model's file. `name` stands for the path in messages.
    static Model from_bytes(Bytes bytes, const ModelOptions &options = {}, const char *name = nullptr)
    {
        Model model;
        model.make(options, [&](const orepa_model_options &given, orepa_model **made) {
            return detail::api().model_load_bytes(bytes.data(), bytes.size(), name, &given, made);
        });
        return model;
    }

    // ---- What it is ----

    ModelInfo info() const
    {
        orepa_model_info info = OREPA_MODEL_INFO;
        detail::check(detail::api().model_describe(get(), &info));
        return {info.class_count, info.input_channels, info.input_height, info.input_width, info.feature_count,
            info.stage_count, info.thread_count, static_cast<Numerics>(info.numerics), static_cast<Memory>(info.memory),
            info.instruction_set, info.has_labels};
    }
    // The name of class `index`; std::nullopt when the model has no labels.
    std::optional<std::string_view> label(std::size_t index) const
    {
        const char *label = nullptr;
        detail::check(detail::api().model_label(get(), index, &label));
        return detail::recorded(label);
    }
    // Stage `index`, from 0, in the order in which the network computes them.
    Stage stage(std::size_t index) const
    {
        orepa_stage stage = OREPA_STAGE;
        detail::check(detail::api().model_stage(get(), index, &stage));
        return {stage.name, stage.channels, stage.height, stage.width};
    }
    std::vector<Stage> stages() const
    {
        std::vector<Stage> stages;
        const std::size_t count = info().stage_count;
        stages.reserve(count);
        for (std::size_t index = 0; index < count; index++)
            stages.push_back(stage(index));
        return stages;
    }
    // What its file records about it.
    Metadata metadata() const
    {
        require_table(offsetof(orepa_api, model_metadata), "model_metadata");
        orepa_metadata found = OREPA_METADATA;
        detail::check(detail::api().model_metadata(get(), &found));
        Metadata metadata;
        metadata.json = found.json;
        metadata.family = found.family;
        metadata.tool = found.tool;
        metadata.source_name = detail::recorded(found.source_name);
        metadata.source_sha256 = detail::recorded(found.source_sha256);
        metadata.resize = found.resize;
        metadata.crop = found.crop;
        metadata.mean = {found.mean, found.channel_count};
        metadata.standard_deviation = {found.std, found.channel_count};
        metadata.interpolation = found.interpolation;
        metadata.block_error = detail::recorded(found.block_error);
        metadata.logit_error = detail::recorded(found.logit_error);
        metadata.fast_logit_error = detail::recorded(found.fast_logit_error);
        return metadata;
    }
    // What memory it takes if a call brings `batch` pictures, at least 1.
    MemoryRequirement memory(std::size_t batch = 1) const
    {
        orepa_memory_requirement requirement = OREPA_MEMORY_REQUIREMENT;
        detail::check(detail::api().model_memory(get(), batch, &requirement));
        return {requirement.weights, requirement.per_context};
    }
    // Gives back the memory that calls have left for later ones.
    void trim() const { detail::check(detail::api().model_trim(get())); }

    // ---- Calls ----

    // Runs the network on any number of pictures, of any kinds. One that is at fault fails by itself.
    Answers run(Span<const Picture> pictures, const RunOptions &options = {}) const
    {
        std::vector<const char *> names;
        names.reserve(options.stages.size());
        for (const std::string &name : options.stages)
            names.push_back(name.c_str());
        orepa_run_options given = run_options(options.limits);
        given.features = options.features;
        given.stages = names.data();
        given.stage_count = names.size();
        orepa_answers *answers = nullptr;
        detail::check(detail::api().run(get(), first(pictures), pictures.size(), &given, &answers));
        return Answers(answers, model_.callbacks());
    }
    Answers run(std::initializer_list<Picture> pictures, const RunOptions &options = {}) const
    {
        return run(Span<const Picture>(pictures.begin(), pictures.size()), options);
    }
    Answers run(const Picture &picture, const RunOptions &options = {}) const
    {
        return run(Span<const Picture>(&picture, 1), options);
    }

    // The `count` most probable classes of a picture, most probable first. Throws where it is at fault.
    std::vector<Prediction> classify(const Picture &picture, std::size_t count = 5, const Limits &limits = {}) const
    {
        RunOptions options;
        options.limits = limits;
        return run(picture, options)[0].top(count);
    }

    // Runs the network on normalised inputs, [picture_count, channels, height, width], and writes the logits,
    // [picture_count, class_count], where the caller says. Allocates nothing once as many calls as run at a time have been
    // made.
    void run_tensor(
        Span<const float> input, std::size_t picture_count, Span<float> logits, const Limits &limits = {}) const
    {
        const orepa_run_options given = run_options(limits);
        detail::check(detail::api().run_tensor(
            get(), input.data(), input.size(), picture_count, logits.data(), logits.size(), &given));
    }
    // The same with features and feature maps beside the logits, where `outputs` says.
    void run_tensor_into(
        Span<const float> input, std::size_t picture_count, const Outputs &outputs, const Limits &limits = {}) const
    {
        require_table(offsetof(orepa_api, run_tensor_into), "run_tensor_into");
        const orepa_outputs places = c_outputs(outputs);
        const orepa_run_options given = run_options(limits);
        detail::check(
            detail::api().run_tensor_into(get(), input.data(), input.size(), picture_count, &places, &given));
    }

    // Runs the network on pictures and writes the values where `outputs` says. Throws for the first one that is at fault.
    void run_into(Span<const Picture> pictures, const Outputs &outputs, const Limits &limits = {}) const
    {
        into(pictures, outputs, limits, nullptr);
    }
    // The same, where a picture that is at fault fails by itself: its values are NaN. The answers have statuses, messages and
    // warnings, and no values.
    [[nodiscard]] Answers try_run_into(
        Span<const Picture> pictures, const Outputs &outputs, const Limits &limits = {}) const
    {
        orepa_answers *answers = nullptr;
        into(pictures, outputs, limits, &answers);
        return Answers(answers, model_.callbacks());
    }

    orepa_model *get() const noexcept { return model_.get(); }

private:
    Model() = default;

    template <typename Load> void make(const ModelOptions &options, Load load)
    {
        auto callbacks = std::make_shared<detail::Callbacks>();
        callbacks->loop = options.threads.loop_;
        callbacks->log = options.log;
        orepa_model_options given = OREPA_MODEL_OPTIONS;
        given.numerics = static_cast<std::int32_t>(options.numerics);
        given.memory = static_cast<std::int32_t>(options.memory);
        given.threads = options.threads.kind_;
        given.thread_count = options.threads.count_;
        given.pool = options.threads.pool_;
        if (callbacks->loop) {
            given.parallel_for = detail::Callbacks::call_loop;
            given.parallel_for_context = callbacks.get();
        }
        given.input_height = options.input_height;
        given.input_width = options.input_width;
        given.skip_probe = options.skip_probe;
        given.exif_orientation = options.exif_orientation;
        given.maximum_pixels = options.maximum_pixels;
        given.maximum_image_memory = options.maximum_image_memory;
        given.maximum_jpeg_scans = options.maximum_jpeg_scans;
        if (callbacks->log) {
            given.log = detail::Callbacks::call_log;
            given.log_context = callbacks.get();
        }
        given.trust_packed_weights = options.trust_packed_weights;
        given.maximum_multiply_adds = options.maximum_multiply_adds;
        given.maximum_model_memory = options.maximum_model_memory;
        given.load_timeout_nanoseconds = nanoseconds(options.load_limits);
        given.load_cancellation = options.load_limits.cancellation ? options.load_limits.cancellation->get() : nullptr;
        given.maximum_jpeg_scanned_samples = options.maximum_jpeg_scanned_samples;
        given.png16 = static_cast<std::int32_t>(options.png16);
        given.strict_pictures = options.strict_pictures;
        orepa_model *made = nullptr;
        detail::check(load(given, &made));
        model_ = detail::Kept<orepa_model>(made, std::move(callbacks));
    }

    void into(Span<const Picture> pictures, const Outputs &outputs, const Limits &limits, orepa_answers **answers) const
    {
        require_table(offsetof(orepa_api, run_into), "run_into");
        const orepa_outputs places = c_outputs(outputs);
        const orepa_run_options given = run_options(limits);
        detail::check(detail::api().run_into(get(), first(pictures), pictures.size(), &places, &given, answers));
    }

    // All functions of the table are as large as each other.
    static void require_table(std::size_t offset, const char *name)
    {
        detail::require(offset + sizeof(detail::api().run), name);
    }
    static std::int64_t nanoseconds(const Limits &limits) { return limits.timeout.count(); }
    static orepa_run_options run_options(const Limits &limits)
    {
        orepa_run_options options = OREPA_RUN_OPTIONS;
        options.timeout_nanoseconds = nanoseconds(limits);
        options.cancellation = limits.cancellation ? limits.cancellation->get() : nullptr;
        return options;
    }
    static const orepa_picture *first(Span<const Picture> pictures)
    {
        return pictures.empty() ? nullptr : &pictures[0].get();
    }
    static orepa_outputs c_outputs(const Outputs &outputs)
    {
        orepa_outputs places = OREPA_OUTPUTS;
        places.logits = outputs.logits.data();
        places.logit_count = outputs.logits.size();
        places.features = outputs.features.empty() ? nullptr : outputs.features.data();
        places.feature_value_count = outputs.features.size();
        places.stages = outputs.stages.empty() ? nullptr : &outputs.stages[0].get();
        places.stage_count = outputs.stages.size();
        return places;
    }

    detail::Kept<orepa_model> model_;
};

}  // namespace orepa

#if __cplusplus >= 202002L
// So that std::span is made of one that is about to go: it owns nothing.
template <typename T> inline constexpr bool std::ranges::enable_borrowed_range<orepa::Span<T>> = true;
#endif

#endif
