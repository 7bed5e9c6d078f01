import ArgumentParser
import Glibc
import OrepaNetwork
import OrepaPlan

struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Time a model on this machine.",
        discussion: """
            Runs a fixed random input again and again. Times are wall-clock milliseconds of one call with the \
            whole batch; the interval is the median's, at 95 % confidence.

            EXAMPLES
              orepa-infer benchmark resnet.safetensors
              orepa-infer benchmark resnet.safetensors --threads 1 --format json
              orepa-infer benchmark resnet.safetensors --profile
            """)

    @Argument(help: "A model file.")
    var model: String

    @Option(help: "Pictures in a call.")
    var batch = 1

    @Option(help: "Seconds to measure.")
    var duration = 3.0

    @Option(help: "Calls that are not counted, first.")
    var warmup = 5

    @Flag(help: "Show each layer's time instead: one picture, as often as the duration allows.")
    var profile = false

    @Option(help: "How to print.")
    var format = ReportFormat.table

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var computing: NumericsOptions

    func validate() throws {
        guard 1...4096 ~= batch else {
            throw ValidationError("--batch: expected 1 to 4096, found \(batch)")
        }
        guard duration > 0, duration <= 86_400 else {
            throw ValidationError(
                "--duration: expected more than 0 and at most 86400, found \(duration)")
        }
        guard 0...1_000_000 ~= warmup else {
            throw ValidationError("--warmup: expected 0 to 1000000, found \(warmup)")
        }
    }

    func run() throws {
        let start = ContinuousClock.now
        let file = try ModelSource(option: model).model
        let crop = file.description.preprocessing.crop
        let pool = WorkerPool(threadCount: threading.count)
        let context: PlanContext
        do {
            let plan = try Plan(
                file.network, height: crop, width: crop, numerics: computing.numerics, pool: pool)
            context = try PlanContext(plan, batch: batch, pool: pool)
        } catch { throw Failure(.badData, "\(model): \(error)") }
        let loadTime = ContinuousClock.now - start
        let input = BenchmarkInput.values(count: batch * 3 * crop * crop)
        if profile {
            try printProfile(
                context, input: Array(input.prefix(context.picturesTogether * 3 * crop * crop)))
        } else {
            try printTimes(context, input: input, loadTime: loadTime)
        }
    }

    private func printTimes(
        _ context: PlanContext, input: [Float], loadTime: Duration
    ) throws(Failure) {
        let clock = ContinuousClock()
        var logits = [Float](repeating: 0, count: batch * context.plan.network.graph.classCount)
        func run() -> Double {
            input.withUnsafeBufferPointer { input in
                logits.withUnsafeMutableBufferPointer { logits in
                    clock.measure { context.run(input, count: batch, logits: logits) }.milliseconds
                }
            }
        }
        let first = run()
        for _ in 0..<warmup { _ = run() }
        var times: [Double] = []
        let end = ContinuousClock.now + .seconds(duration)
        repeat { times.append(run()) } while ContinuousClock.now < end
        let statistics = TimeStatistics(times)
        let classCount = context.plan.network.graph.classCount
        let firstLogits = logits.prefix(classCount)
        let memory = context.plan.memoryUse(
            threadCount: threading.count, batch: batch)
        let report: [(String, JSONValue)] = [
            ("model", .string(model)),
            ("instruction_set", .string(context.plan.instructionSet.rawValue)),
            ("numerics", .string(context.plan.numerics.rawValue)),
            ("cpu", .string(Machine.processorName)), ("threads", .integer(threading.count)),
            ("batch", .integer(batch)), ("runs", .integer(times.count)),
            ("median_ms", .double(statistics.median)),
            ("median_ms_low", .double(statistics.medianLow)),
            ("median_ms_high", .double(statistics.medianHigh)),
            ("mean_ms", .double(statistics.mean)),
            ("p50_ms", .double(statistics.median)), ("p90_ms", .double(statistics.percentile(90))),
            ("p95_ms", .double(statistics.percentile(95))),
            ("p99_ms", .double(statistics.percentile(99))),
            ("images_per_second", .double(Double(batch) * 1000 / statistics.median)),
            ("load_ms", .double(loadTime.milliseconds)), ("first_ms", .double(first)),
            ("packed_weights_bytes", .integer(memory.packedWeights)),
            ("peak_memory_bytes", .integer(Machine.peakMemory)),
            ("top1", .integer(firstLogits.indices.max { firstLogits[$0] < firstLogits[$1] } ?? 0)),
        ]
        switch format {
        case .json: try StandardOutput.shared.writeLine(JSONValue.object(report).text)
        case .table:
            let rows = report.map { key, value in
                if case .double(let number) = value { return [key, Text.fixed(number, 3)] }
                if case .string(let text) = value { return [key, text] }
                return [key, value.text]
            }
            try StandardOutput.shared.write(Text.table(rows, rightAligned: []))
        }
    }

    private func printProfile(_ context: PlanContext, input: [Float]) throws(Failure) {
        let clock = ContinuousClock()
        let steps = context.plan.stepDescriptions
        var times = [[Double]](repeating: [], count: steps.count)
        let end = clock.now + .seconds(duration)
        var runs = 0
        repeat {
            var last = clock.now
            input.withUnsafeBufferPointer { input in
                context.run(input) { index in
                    let now = clock.now
                    if runs >= warmup { times[index].append((now - last).milliseconds) }
                    last = now
                }
            }
            runs += 1
        } while clock.now < end || runs <= warmup
        let medians = times.map { TimeStatistics($0).median }
        let total = medians.reduce(0, +)
        switch format {
        case .table:
            let header = ["layer", "algorithm", "ms", "share", "GFLOP/s"]
            let rows = zip(steps, medians).map { step, median in
                [
                    step.name, step.algorithm, Text.fixed(median, 3),
                    Text.fixed(median / total * 100, 1) + " %",
                    step.multiplyAccumulates == 0
                        ? "" : Text.fixed(Double(step.multiplyAccumulates) * 2e-6 / median, 1),
                ]
            }
            let sum = ["total", "", Text.fixed(total, 3), "", ""]
            try StandardOutput.shared.write(
                Text.table([header] + rows + [sum], rightAligned: [2, 3, 4]))
        case .json:
            let layers = zip(steps, medians).map { step, median in
                JSONValue.object([
                    ("name", .string(step.name)), ("algorithm", .string(step.algorithm)),
                    ("median_ms", .double(median)), ("share", .double(median / total)),
                    ("multiply_accumulates", .integer(step.multiplyAccumulates)),
                ])
            }
            try StandardOutput.shared.writeLine(
                JSONValue.object([("total_ms", .double(total)), ("layers", .array(layers))]).text)
        }
    }
}

/// Order statistics of a series of times.
struct TimeStatistics {
    private let sorted: [Double]

    init(_ times: [Double]) { sorted = times.sorted() }

    var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }
    var median: Double { percentile(50) }

    /// Ends of the median's 95 % interval: the ranks n / 2 ∓ 0.98 √n, from the binomial distribution.
    var medianLow: Double {
        rank(Double(sorted.count) / 2 - 0.98 * Double(sorted.count).squareRoot())
    }
    var medianHigh: Double {
        rank(Double(sorted.count) / 2 + 0.98 * Double(sorted.count).squareRoot())
    }

    /// The smallest time that at least `percent` % of all do not exceed.
    func percentile(_ percent: Double) -> Double {
        rank((Double(sorted.count) * percent / 100).rounded(.up) - 1)
    }

    private func rank(_ rank: Double) -> Double {
        sorted.isEmpty ? .nan : sorted[min(max(Int(rank.rounded()), 0), sorted.count - 1)]
    }
}

/// The benchmark's input: values evenly spread over -2 to 2, always the same.
enum BenchmarkInput {
    static func values(count: Int) -> [Float] {
        var state: UInt32 = 1
        return (0..<count).map { _ in
            // The multiplier and increment of Numerical Recipes' quick generator.
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / Float(1 << 22) - 2
        }
    }
}

enum Machine {
    static var processorName: String {
        let descriptor = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "unknown" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":", maxSplits: 1).last.map {
            String($0.drop { $0 == " " })
        } ?? "unknown"
    }

    /// The largest resident memory so far, in bytes.
    static var peakMemory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}
