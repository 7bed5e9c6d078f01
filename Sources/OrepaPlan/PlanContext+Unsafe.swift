import COrepaKernels
import OrepaNetwork

/// The memory in which a ``Plan`` runs, one call at a time. Allocated once: a call allocates nothing.
public final class PlanContext {
    /// What it runs.
    public let plan: Plan
    private let pool: WorkerPool
    private let memory: AlignedMemory

    /// Allocates ``Plan/contextByteCount(threadCount:)`` bytes. Contexts may share a pool; their calls then
    /// take turns in it, layer by layer.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses them.
    public init(_ plan: Plan, pool: WorkerPool) throws(PlanError) {
        self.plan = plan
        self.pool = pool
        memory = try AlignedMemory(
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

    /// Runs one picture, `input [C, H, W]`, and calls `stepEnded` after each step, in the order of
    /// ``Plan/stepDescriptions``: for measuring where the time goes.
    public func run(_ input: UnsafeBufferPointer<Float>, stepEnded: (_ index: Int) -> Void) {
        precondition(
            input.count == plan.network.graph.inputChannels * plan.height * plan.width,
            "input must be [C, H, W]")
        let arena = memory.base
        withUnsafePointer(to: plan.input.map) {
            orepa_map_read($0, input.baseAddress!, arena + plan.input.offset)
        }
        for index in plan.steps.indices {
            runStep(index, arena: arena)
            stepEnded(index)
        }
    }

    private func runStep(_ index: Int, arena: UnsafeMutablePointer<Float>) {
        plan.steps[index].run(
            arena: arena, scratch: arena + plan.arenaCount, isa: plan.instructionSet.isa, pool: pool
        )
    }

    private func run(picture: UnsafePointer<Float>, logits: UnsafeMutablePointer<Float>) {
        let arena = memory.base
        pool.prepare()
        withUnsafePointer(to: plan.input.map) {
            orepa_map_read($0, picture, arena + plan.input.offset)
        }
        for index in plan.steps.indices { runStep(index, arena: arena) }
        withUnsafePointer(to: plan.logits.map) {
            orepa_map_write($0, arena + plan.logits.offset, logits)
        }
    }
}
