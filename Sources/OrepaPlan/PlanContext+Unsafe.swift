import COrepaKernels
import OrepaNetwork

/// The memory in which a ``Plan`` runs, one call at a time. Allocated once: a call allocates nothing.
public final class PlanContext {
    public let plan: Plan
    private let pool: WorkerPool
    private let memory: AlignedMemory

    /// Allocates ``Plan/contextByteCount(threadCount:)`` bytes. Contexts may share a pool; their calls then
    /// take turns in it, layer by layer.
    public init(_ plan: Plan, pool: WorkerPool) {
        self.plan = plan
        self.pool = pool
        memory = AlignedMemory(
            count: plan.contextByteCount(threadCount: pool.threadCount) / MemoryLayout<Float>.size)
    }

    /// Runs the network on `count` pictures, one after the other, each on all threads of the pool.
    ///
    /// - Parameters:
    ///   - input: `[count, C, H, W]`, Float32, row-major, normalised.
    ///   - logits: `[count, classes]`, Float32, row-major.
    /// - Precondition: the buffers hold exactly that many values.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>
    ) {
        let graph = plan.network.graph
        let pictureCount = graph.inputChannels * plan.height * plan.width
        precondition(input.count == count * pictureCount, "input must be [count, C, H, W]")
        precondition(logits.count == count * graph.classCount, "logits must be [count, classes]")
        guard count > 0 else { return }
        for index in 0..<count {
            run(
                picture: input.baseAddress! + index * pictureCount,
                logits: logits.baseAddress! + index * graph.classCount)
        }
    }

    /// `input [count, C, H, W]` to logits `[count, classes]`, both row-major.
    public func run(_ input: [Float], count: Int) -> [Float] {
        let logitCount = count * plan.network.graph.classCount
        return [Float](unsafeUninitializedCapacity: logitCount) { logits, initialized in
            input.withUnsafeBufferPointer {
                run(
                    $0, count: count,
                    logits: UnsafeMutableBufferPointer(rebasing: logits[..<logitCount]))
            }
            initialized = logitCount
        }
    }

    private func run(picture: UnsafePointer<Float>, logits: UnsafeMutablePointer<Float>) {
        let arena = memory.base
        withUnsafePointer(to: plan.input.map) {
            orepa_map_read($0, picture, arena + plan.input.offset)
        }
        for index in plan.steps.indices { run(plan.steps[index], arena: arena) }
        withUnsafePointer(to: plan.logits.map) {
            orepa_map_write($0, arena + plan.logits.offset, logits)
        }
    }

    /// A kernel's call as the threads share it: its shape, where it reads and where it writes.
    private struct Call<Shape> {
        let shape: Shape
        let isa: orepa_isa
        let input: UnsafePointer<Float>
        let second: UnsafePointer<Float>
        let output: UnsafeMutablePointer<Float>
    }

    private func run(_ step: Plan.Step, arena: UnsafeMutablePointer<Float>) {
        let input = UnsafePointer(arena + step.input.offset)
        let output = arena + step.output.offset
        let isa = plan.instructionSet.isa
        switch step.operation {
        case .convolution(let kernel, let residual):
            kernel.run(
                input: input, residual: residual.map { UnsafePointer(arena + $0.offset) },
                output: output, scratch: arena + plan.arenaCount, pool: pool)
        case .maxPool(let shape):
            let items = withUnsafePointer(to: shape) { orepa_max_pool_items($0) }
            let call = Call(shape: shape, isa: isa, input: input, second: input, output: output)
            pool.run(Int(items), call) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_max_pool>.self).pointee
                withUnsafePointer(to: call.shape) {
                    orepa_max_pool_run(
                        $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1)
                }
            }
        case .addReLU(let shape, let second):
            let items = withUnsafePointer(to: shape) { orepa_addition_items($0) }
            let call = Call(
                shape: shape, isa: isa, input: input,
                second: UnsafePointer(arena + second.offset), output: output)
            pool.run(Int(items), call) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_addition>.self).pointee
                withUnsafePointer(to: call.shape) {
                    orepa_addition_run(
                        $0, call.isa, call.input, call.second, call.output, Int64(item),
                        Int64(item) + 1)
                }
            }
        case .globalAveragePool(let shape):
            let items = withUnsafePointer(to: shape) { orepa_average_pool_items($0) }
            let call = Call(shape: shape, isa: isa, input: input, second: input, output: output)
            pool.run(Int(items), call) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_average_pool>.self).pointee
                withUnsafePointer(to: call.shape) {
                    orepa_average_pool_run(
                        $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1)
                }
            }
        }
    }
}
