import COrepaKernels
import OrepaNetwork

/// The memory in which a ``Plan`` runs, one call at a time. Allocated once: a call allocates nothing.
public final class PlanContext {
    /// What it runs.
    public let plan: Plan
    /// The most pictures that run together: the batch it was made for, but at most
    /// ``PlanContext/mostPicturesTogether``.
    public let picturesTogether: Int
    private let pool: WorkerPool
    /// For descending numbers of pictures, down to one.
    private let blueprints: [PlanBlueprint]
    /// The feature maps, then weights that are packed for one step.
    private let memory: AlignedMemory
    private let workers: ConvolutionWorkers

    /// With more the feature maps of the early layers leave the caches.
    public static let mostPicturesTogether = 4

    static func picturesTogether(batch: Int) -> Int { min(max(batch, 1), mostPicturesTogether) }

    /// Allocates ``Plan/contextByteCount(threadCount:batch:)`` bytes. Contexts may share a pool: where calls overlap,
    /// one has the workers for a step and the others run theirs on their own threads.
    ///
    /// - Parameter batch: How many pictures a call will bring. Up to ``mostPicturesTogether`` run together, which
    ///   takes less time, since weights are read once for all of them, and more memory. It changes no bit of the
    ///   logits.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses them.
    public init(_ plan: Plan, batch: Int = 1, pool: WorkerPool) throws(PlanError) {
        self.plan = plan
        picturesTogether = PlanContext.picturesTogether(batch: batch)
        self.pool = pool
        var blueprints: [PlanBlueprint] = []
        var pictureCount = picturesTogether
        while pictureCount > 0 {
            blueprints.append(
                try plan.blueprint(pictureCount: pictureCount, threadCount: pool.threadCount))
            pictureCount /= 2
        }
        self.blueprints = blueprints
        memory = try AlignedMemory(
            count: blueprints[0].arenaCount + plan.blueprint.packingCount(plan.memory))
        workers = try ConvolutionWorkers(
            pool, scratchCount: blueprints.map(\.scratchCount).max()!)
    }

    /// Bytes of memory that the context has allocated.
    package var allocatedByteCount: Int {
        (memory.count + workers.allocatedCount) * MemoryLayout<Float>.size
    }

    /// Runs the network on `count` pictures, up to ``picturesTogether`` of them together.
    ///
    /// - Parameters:
    ///   - input: `[count, C, H, W]`, Float32, row-major, normalised.
    ///   - logits: `[count, classes]`, Float32, row-major.
    /// - Precondition: the buffers hold exactly that many values.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>
    ) {
        run(input, count: count, logits: logits, maps: []) { () throws(Never) in }
    }

    /// As ``run(_:count:logits:)``, with feature maps beside the logits, and ended early where a limit says so.
    ///
    /// - Parameters:
    ///   - maps: Copied right after the step that makes them.
    ///   - limits: Looked at before each step. What is in the outputs after an error has no meaning.
    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    /// - Precondition: the buffers hold exactly as many values as are read and written.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput] = [], limits: CallLimits
    ) throws(PlanError) {
        try run(input, count: count, logits: logits, maps: maps) { () throws(PlanError) in
            if !limits.isNone { try limits.check() }
        }
    }

    private func run<Failure: Error>(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput], beforeStep: () throws(Failure) -> Void
    ) throws(Failure) {
        precondition(input.count == count * pictureElementCount, "input must be [count, C, H, W]")
        precondition(logits.count == count * classCount, "logits must be [count, classes]")
        for map in maps {
            precondition(
                map.buffer.count == count * elementCount(ofStep: map.step),
                "feature maps must be [count, C, H, W]")
        }
        guard count > 0 else { return }
        pool.prepare()
        var index = 0
        while index < count {
            let blueprint = blueprints.first { $0.pictureCount <= count - index }!
            read(input.baseAddress! + index * pictureElementCount, blueprint)
            for step in blueprint.steps.indices {
                try beforeStep()
                run(step, blueprint)
                for map in maps where map.step == step {
                    let size = elementCount(ofStep: step)
                    write(
                        blueprint.steps[step].output, map.buffer.baseAddress! + index * size,
                        size: size, blueprint)
                }
            }
            write(
                blueprint.logits, logits.baseAddress! + index * classCount, size: classCount,
                blueprint)
            index += blueprint.pictureCount
        }
    }

    /// Elements of the feature map that the step at `index` makes of one picture.
    private func elementCount(ofStep index: Int) -> Int {
        let map = plan.steps[index].output.map
        return Int(map.channels) * Int(map.height) * Int(map.width)
    }

    /// `input [count, C, H, W]` to logits `[count, classes]`, both row-major.
    public func run(_ input: [Float], count: Int) -> [Float] {
        let logitCount = count * plan.graph.classCount
        return [Float](unsafeUninitializedCapacity: logitCount) { logits, initialized in
            input.withUnsafeBufferPointer {
                run(
                    $0, count: count,
                    logits: UnsafeMutableBufferPointer(rebasing: logits[..<logitCount]))
            }
            initialized = logitCount
        }
    }

    /// Runs `count` pictures, `input [count, C, H, W]`, as the other calls do, and calls `stepEnded` each time a step
    /// has ended, with its index in ``Plan/stepDescriptions``; with nil when pictures have been laid out for the
    /// first one. For measuring where the time goes.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, stepEnded: (_ index: Int?) -> Void
    ) {
        precondition(input.count == count * pictureElementCount, "input must be [count, C, H, W]")
        var index = 0
        while index < count {
            let blueprint = blueprints.first { $0.pictureCount <= count - index }!
            read(input.baseAddress! + index * pictureElementCount, blueprint)
            stepEnded(nil)
            for step in blueprint.steps.indices {
                run(step, blueprint)
                stepEnded(step)
            }
            index += blueprint.pictureCount
        }
    }

    private var pictureElementCount: Int {
        plan.graph.inputChannels * plan.height * plan.width
    }
    private var classCount: Int { plan.graph.classCount }

    private func read(_ input: UnsafePointer<Float>, _ blueprint: PlanBlueprint) {
        let map = blueprint.input.map
        for picture in 0..<blueprint.pictureCount {
            withUnsafePointer(to: map) {
                orepa_map_read(
                    $0, input + picture * pictureElementCount,
                    memory.base + blueprint.input.offset + picture * Int(map.image))
            }
        }
    }

    private func run(_ step: Int, _ blueprint: PlanBlueprint) {
        let weights = plan.weights.ready(
            step, packingInto: memory.base + blueprints[0].arenaCount, pool: pool)
        blueprint.steps[step].run(
            arena: memory.base, weights: weights, workers: workers, isa: plan.instructionSet.isa,
            pool: pool)
    }

    /// Copies `value` of each picture to `target`, `size` elements a picture.
    private func write(
        _ value: Plan.Value, _ target: UnsafeMutablePointer<Float>, size: Int,
        _ blueprint: PlanBlueprint
    ) {
        for picture in 0..<blueprint.pictureCount {
            withUnsafePointer(to: value.map) {
                orepa_map_write(
                    $0, memory.base + value.offset + picture * Int(value.map.image),
                    target + picture * size)
            }
        }
    }
}
