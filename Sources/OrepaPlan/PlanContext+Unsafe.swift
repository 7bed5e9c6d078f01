import OrepaNetwork

/// The memory in which a ``Plan`` runs, one call at a time. Allocated once: a call allocates nothing.
public final class PlanContext {
    public let plan: Plan
    private let pool: WorkerPool
    private let memory: UnsafeMutablePointer<Float>

    /// Allocates ``Plan/contextByteCount`` bytes. Contexts may share a pool; their calls then take turns
    /// in it, layer by layer.
    public init(_ plan: Plan, pool: WorkerPool) {
        self.plan = plan
        self.pool = pool
        memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(plan.contextByteCount, 64), alignment: 64
        ).assumingMemoryBound(to: Float.self)
    }

    deinit { memory.deallocate() }

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
            run(picture: input.baseAddress! + index * pictureCount)
            (logits.baseAddress! + index * graph.classCount).update(
                from: memory + plan.steps[plan.steps.count - 1].output, count: graph.classCount)
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

    private func run(picture: UnsafePointer<Float>) {
        let scratch = memory + plan.arenaCount
        for step in plan.steps {
            let input = step.inputs[0] < 0 ? picture : UnsafePointer(memory + step.inputs[0])
            let output = memory + step.output
            switch step.operation {
            case .convolution(let convolution):
                convolution.run(input: input, output: output, scratch: scratch, pool: pool)
            case .maxPool(let maxPool):
                maxPool.run(input: input, output: output, workers: pool)
            case .addReLU(let addReLU):
                let second = step.inputs[1] < 0 ? picture : UnsafePointer(memory + step.inputs[1])
                addReLU.run(input, second, output: output, workers: pool)
            case .globalAveragePool(let average): average.run(input: input, output: output)
            case .linear(let linear): linear.run(input: input, output: output)
            }
        }
    }
}
