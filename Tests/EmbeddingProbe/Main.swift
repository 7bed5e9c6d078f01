import CAllocationCounter
import Glibc
import Orepa
import OrepaNetwork
import OrepaPlan

/// A program that embeds the library and nothing else. Tests run it to see what a host would see: how
/// often an inference allocates, how busy the workers are between calls, and what got linked.
@main
struct EmbeddingProbe {
    static func main() async throws {
        switch CommandLine.arguments.dropFirst(2).first {
        case nil: try probe()
        case "fork": try ForkProbe(modelPath: CommandLine.arguments[1]).run()
        case "async": try await AsyncProbe(modelPath: CommandLine.arguments[1]).run()
        case "log": try LogProbe.run(CommandLine.arguments)
        case "stack", "cancel": ThreadProbe.run(CommandLine.arguments)
        case "limits": LimitProbe(CommandLine.arguments).run()
        default: exit(64)
        }
    }

    private nonisolated static func probe() throws {
        let model = try ModelFile(path: CommandLine.arguments[1])
        let crop = model.description.preprocessing.crop
        let pool = WorkerPool(threadCount: 2)
        // Of three pictures each of the two threads runs one, and they share the third.
        let batch = 3
        let contexts = try [PlanMemory.fast, .small].map {
            try PlanContext(try Plan(model, memory: $0, pool: pool), batch: batch, pool: pool)
        }
        let classCount = model.network.graph.classCount
        let input = [Float](repeating: 0.25, count: batch * 3 * crop * crop)
        var logits = [Float](repeating: 0, count: batch * classCount)
        func run(times: Int, _ context: PlanContext, count: Int) {
            input.withUnsafeBufferPointer { input in
                logits.withUnsafeMutableBufferPointer { logits in
                    let input = UnsafeBufferPointer(rebasing: input[..<(count * 3 * crop * crop)])
                    let logits = UnsafeMutableBufferPointer(
                        rebasing: logits[..<(count * classCount)])
                    for _ in 0..<times { context.run(input, count: count, logits: logits) }
                }
            }
        }
        for context in contexts {
            for count in [1, batch] {
                run(times: 100, context, count: count)
                let before = orepa_allocation_count()
                run(times: 50, context, count: count)
                let allocations = orepa_allocation_count() - before
                print("allocations_\(context.plan.memory)_\(count) \(allocations)")
            }
        }
        try countBatchAllocations(path: CommandLine.arguments[1])
        try countAllocationsIntoBuffers(of: model)
        usleep(20_000)
        let seconds = processorSeconds()
        sleep(5)
        print("idle_processor_seconds \(processorSeconds() - seconds)")
        print("logits \(classCount)")
        withExtendedLifetime(contexts) {}
    }

    /// Of running prepared pictures into memory of the caller's.
    private nonisolated static func countBatchAllocations(path: String) throws {
        var options = Model.Options()
        options.threads = .own(count: 2)
        let model = try Model(path: path, options: options)
        let batch = try model.makeBatch(capacity: 3)
        let tensor = [Float](repeating: 0.25, count: model.inputShape.elementCount)
        for place in 0..<3 { try batch.prepare(.tensor(tensor), at: place) }
        var logits = [Float](repeating: 0, count: 3 * model.classCount)
        let limits = CallLimits(deadline: .now + .seconds(600), cancellation: Cancellation())
        try logits.withUnsafeMutableBufferPointer { logits in
            for count in [1, 3] {
                let target = UnsafeMutableBufferPointer(
                    rebasing: logits[..<(count * model.classCount)])
                for _ in 0..<100 {
                    try batch.run(places: 0..<count, logits: target, limits: limits)
                }
                let before = orepa_allocation_count()
                for _ in 0..<50 {
                    try batch.run(places: 0..<count, logits: target, limits: limits)
                }
                let allocations = orepa_allocation_count() - before
                print("allocations_batch_\(count) \(allocations)")
            }
        }
    }

    /// Of calls that give all that there is, with and without limits.
    private nonisolated static func countAllocationsIntoBuffers(of file: ModelFile) throws {
        var options = Model.Options()
        options.threads = .own(count: 2)
        let model = try Model(file, options: options)
        for count in [1, 3] {
            func buffer(_ size: Int) -> UnsafeMutableBufferPointer<Float> {
                let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * size)
                buffer.initialize(repeating: 0.25)
                return buffer
            }
            let input = UnsafeBufferPointer(buffer(model.inputShape.elementCount))
            let outputs = OutputBuffers(
                logits: buffer(model.classCount), features: buffer(model.featureCount),
                stages: model.stages.reversed().map {
                    StageBuffer(name: $0.name, values: buffer($0.shape.elementCount))
                })
            let limits = CallLimits(deadline: .now + .seconds(600), cancellation: Cancellation())
            func run(times: Int) throws {
                for _ in 0..<times {
                    try model.run(tensor: input, count: count, into: outputs)
                    try model.run(tensor: input, count: count, into: outputs, limits: limits)
                }
            }
            try run(times: 50)
            let before = orepa_allocation_count()
            try run(times: 25)
            let allocations = orepa_allocation_count() - before
            print("allocations_into_\(count) \(allocations)")
            input.deallocate()
            outputs.logits.deallocate()
            outputs.features?.deallocate()
            for stage in outputs.stages { stage.values.deallocate() }
        }
    }

    private nonisolated static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    }
}
