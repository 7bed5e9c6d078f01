import ArgumentParser
import OrepaConversion
import OrepaFiles
import OrepaJSON
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Time a model on this machine.",
        discussion: """
            Runs a fixed random input again and again. Times are wall-clock milliseconds of one call with the \
            whole batch; the interval is the median's, at 95 % confidence. load_ms is from opening the file to \
            ready to run, first_ms the first call.

            --profile measures the processor's multiply-adds and its memory first, for 0.2 s and in 128 MB. It runs \
            the pictures of a batch one after the other, each layer on all threads.

            EXAMPLES
              orepa-infer benchmark resnet.safetensors
              orepa-infer benchmark resnet.safetensors --threads 1 --format json
              orepa-infer benchmark resnet.safetensors --profile
            """)

    @Argument(help: "A model file.")
    var model: RawPath

    @Option(help: "Pictures in a call.")
    var batch = 1

    @Option(help: "Seconds to measure.")
    var duration = 3.0

    @Option(help: "Calls that are not counted, first.")
    var warmup = 5

    @Flag(help: "Show each layer's time instead, beside what the machine can do at most.")
    var profile = false

    @Option(help: "How to print.")
    var format = ReportFormat.table

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var computing: NumericsOptions
    @OptionGroup var memory: MemoryOptions
    @OptionGroup var budgeting: BudgetOptions

    @Flag(
        inversion: .prefixedNo,
        help: """
            Run the picture whose logits the model file keeps, and end with status 65 unless they are the same to \
            the bit.
            """)
    var probe = true

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
        memory.warn(of: file)
        let context: PlanContext
        do {
            let plan = try Plan(
                file, numerics: computing.numerics, memory: memory.memory ?? .fast,
                trustsPackedWeights: memory.trustPacked, budget: budgeting.budget, pool: pool)
            context = try PlanContext(plan, batch: batch, pool: pool)
        } catch { throw Failure(error, planning: "\(model)") }
        let loadTime = ContinuousClock.now - start
        let input = BenchmarkInput.values(
            count: batch * file.network.graph.inputChannels * crop * crop)
        if profile {
            if probe { _ = try probeTime(context, of: file) }
            try printProfile(context, input: input, pool: pool)
        } else {
            try printTimes(context, of: file, input: input, loadTime: loadTime)
        }
    }

    /// What was measured on what.
    private func setting(_ plan: Plan) throws(Failure) -> [(String, JSONValue)] {
        let bytes: FileBytes
        do { bytes = try FileBytes(mapping: model) } catch { throw Failure(error) }
        return [
            ("model", .string(model.text)),
            ("model_sha256", .optional(FileDigest.sha256(of: bytes))),
            ("instruction_set", .string(plan.instructionSet.rawValue)),
            ("numerics", .string(plan.numerics.rawValue)),
            ("cpu", .string(Machine.processorName)), ("threads", .integer(threading.count)),
            ("batch", .integer(batch)),
        ]
    }

    private func probeTime(_ context: PlanContext, of file: ModelFile) throws(Failure) -> Duration {
        let start = ContinuousClock.now
        do { try context.checkProbe(of: file) } catch { throw Failure(error, planning: "\(model)") }
        return ContinuousClock.now - start
    }

    private func printTimes(
        _ context: PlanContext, of file: ModelFile, input: [Float], loadTime: Duration
    ) throws(Failure) {
        let clock = ContinuousClock()
        let classCount = context.plan.graph.classCount
        var logits = [Float](repeating: 0, count: batch * classCount)
        func run() -> Double {
            input.withUnsafeBufferPointer { input in
                logits.withUnsafeMutableBufferPointer { logits in
                    clock.measure { context.run(input, count: batch, logits: logits) }.milliseconds
                }
            }
        }
        let first = run()
        // After it, so that it is the first one.
        let probeTime = probe ? try probeTime(context, of: file) : nil
        for _ in 0..<warmup { _ = run() }
        var times: [Double] = []
        let end = ContinuousClock.now + .seconds(duration)
        repeat { times.append(run()) } while ContinuousClock.now < end
        let statistics = TimeStatistics(times)
        let firstLogits = logits.prefix(classCount)
        let peakMemory = Machine.peakMemory
        let report: [(String, JSONValue)] =
            try setting(context.plan) + [
                ("runs", .integer(times.count)),
                ("median_ms", .double(statistics.median)),
                ("median_ms_low", .double(statistics.medianLow)),
                ("median_ms_high", .double(statistics.medianHigh)),
                ("mean_ms", .double(statistics.mean)),
                ("min_ms", .double(statistics.minimum)),
                ("p10_ms", .double(statistics.percentile(10))),
                ("p50_ms", .double(statistics.median)),
                ("p90_ms", .double(statistics.percentile(90))),
                ("p95_ms", .double(statistics.percentile(95))),
                ("p99_ms", .double(statistics.percentile(99))),
                ("images_per_second", .double(Double(batch) * 1000 / statistics.median)),
                ("load_ms", .double(loadTime.milliseconds)),
                ("probe_ms", probeTime.map { .double($0.milliseconds) } ?? .null),
                ("first_ms", .double(first)),
                ("memory", .string(context.plan.memory.rawValue)),
                ("packed_weights_bytes", .integer(context.plan.allocatedByteCount)),
                ("context_bytes", .integer(context.allocatedByteCount)),
                ("peak_memory_bytes", .integer(peakMemory)),
                (
                    "top1",
                    .integer(firstLogits.indices.max { firstLogits[$0] < firstLogits[$1] } ?? 0)
                ),
            ]
        switch format {
        case .json: try StandardOutput.shared.writeLine(JSONValue.object(report).text(.spaced))
        case .table:
            let rows = report.map { key, value in
                if case .number(let number) = value, !number.isWhole,
                    let value = number.floatingPoint(Double.self)
                {
                    return [key, Text.fixed(value, 3)]
                }
                if case .string(let text) = value { return [key, text] }
                return [key, value.text(.spaced)]
            }
            try StandardOutput.shared.writeText(Text.table(rows, rightAligned: []))
        }
    }

    private func printProfile(
        _ context: PlanContext, input: [Float], pool: WorkerPool
    ) throws(Failure) {
        let isa = context.plan.instructionSet
        let single: MachineSpeed
        let all: MachineSpeed
        do {
            single = try MachineSpeed.measure(
                instructionSet: isa, pool: WorkerPool(threadCount: 1))
            all =
                pool.threadCount == 1
                ? single : try MachineSpeed.measure(instructionSet: isa, pool: pool)
        } catch { throw Failure(.badData, "\(error)") }
        let profile = LayerProfile(
            context, input: input, batch: batch, warmup: warmup, duration: .seconds(duration),
            machine: all)
        switch format {
        case .table:
            try StandardOutput.shared.writeText(
                profile.table(single: single, threads: threading.count))
        case .json:
            let report = try setting(context.plan) + profile.fields(single: single)
            try StandardOutput.shared.writeLine(JSONValue.object(report).text(.spaced))
        }
    }
}
