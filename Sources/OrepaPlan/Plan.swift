import COrepaKernels
import OrepaFiles
import OrepaNetwork
import OrepaThreads

/// A network made ready for inputs of one size: kernels chosen, weights packed for them, and a place in memory
/// for every feature map. Immutable; any number of contexts may run it at a time.
///
/// Feature maps lie in blocks of 16 channels from the first layer to the last. Which algorithm a layer uses
/// follows from the model's file, or else from the network and the numerics alone, so the logits have the same bits
/// for any number of threads, any instruction set and either way to use memory.
public struct Plan: Sendable {
    /// What it computes. The network's weights are kept only as far as ``memory`` needs them.
    public let graph: Graph
    /// Its kernels, and how it uses memory.
    public let blueprint: PlanBlueprint
    /// What it does with packed weights: ``PlanMemory/mapped`` only if it found them in a file.
    public let memory: PlanMemory
    /// What it and each of its contexts may cost.
    public let budget: ModelBudget

    let weights: PlanWeights
    private let schedules = ScheduleShelf()

    /// A feature map, and where it lies.
    struct Value: Sendable {
        let map: orepa_map
        /// Its offset in the arena.
        let offset: Int
        /// Whether it is the network's input, which a call may bring laid out: then it lies where the caller has it.
        var isInput = false
    }

    /// Plans `network` for inputs `[N, C, height, width]` of any N. With ``PlanMemory/fast`` packs its weights,
    /// which takes about as long as reading them and as much memory again (up to four times as much with
    /// Winograd tiles).
    ///
    /// - Parameters:
    ///   - algorithms: How to compute layers, by the names of their nodes. For layers that are not named it is
    ///     chosen by their shapes and the numerics.
    ///   - budget: What it may cost with one context.
    ///   - pool: The threads that pack.
    ///   - limits: When to end early.
    /// - Throws: ``PlanError`` when the network cannot take an input of that size, when an algorithm does not take
    ///   its layer, when it costs too much, for want of memory, when a limit is reached, or when `instructionSet` is nil
    ///   and ``InstructionSet/current()`` throws.
    public init(
        _ network: Network, height: Int, width: Int, numerics: Numerics = .fast,
        algorithms: [ByteName: LayerAlgorithm] = [:], instructionSet: InstructionSet? = nil,
        memory: PlanMemory = .fast, budget: ModelBudget = .default, pool: WorkerPool,
        limits: CallLimits = CallLimits()
    ) throws(PlanError) {
        let blueprint = try PlanBlueprint(
            network.graph, height: height, width: width, numerics: numerics,
            algorithms: algorithms, instructionSet: instructionSet, threadCount: pool.threadCount)
        try self.init(
            blueprint, of: network, packed: nil, memory: memory, budget: budget, pool: pool,
            limits: limits)
    }

    /// - Parameter packed: The packed weights of `blueprint`, or nil.
    init(
        _ blueprint: PlanBlueprint, of network: Network, packed: Tensor?, memory: PlanMemory,
        budget: ModelBudget, pool: WorkerPool, limits: CallLimits
    ) throws(PlanError) {
        graph = network.graph
        self.blueprint = blueprint
        self.budget = budget
        let inPlace =
            memory == .mapped ? packed.flatMap { PlanWeights(using: $0, in: blueprint) } : nil
        self.memory = memory == .small ? .small : inPlace == nil ? .fast : .mapped
        try budget.check(
            blueprint, memory: blueprint.memoryUse(self.memory, threadCount: pool.threadCount))
        let watch = limits.isNone ? nil : CallWatch(limits)
        try PlanError.check(watch)
        if self.memory == .small {
            weights = PlanWeights(of: network, in: blueprint)
        } else if let inPlace {
            weights = inPlace
        } else if let packed {
            weights = try PlanWeights(copying: packed, in: blueprint, pool: pool, watch: watch)
        } else {
            weights = try PlanWeights(packing: blueprint, of: network, pool: pool, watch: watch)
        }
    }

    /// Height of the input, in pixels.
    public var height: Int { blueprint.height }
    /// Width of the input, in pixels.
    public var width: Int { blueprint.width }
    /// Which algorithms it was free to choose.
    public var numerics: Numerics { blueprint.numerics }
    /// Whose kernels run it.
    public var instructionSet: InstructionSet { blueprint.instructionSet }

    /// Bytes of memory that the plan has allocated for packed weights.
    package var allocatedByteCount: Int { weights.ownCount * MemoryLayout<Float>.size }

    var steps: [Step] { blueprint.steps }

    /// What it takes with one context for `batch` pictures on a pool of `threadCount` threads.
    public func memoryUse(threadCount: Int, batch: Int = 1) -> PlanMemoryUse {
        // A network that takes one picture takes any number.
        guard let layout = try? BatchLayout(self, batch: batch, threadCount: threadCount) else {
            return blueprint.memoryUse(memory, threadCount: threadCount)
        }
        return blueprint.memoryUse(
            memory, threadCount: threadCount, arenaCount: layout.arenaCount,
            scratchCount: layout.scratchCount)
    }

    /// Bytes that a ``PlanContext`` for `batch` pictures on a pool of `threadCount` threads allocates.
    public func contextByteCount(threadCount: Int, batch: Int = 1) -> Int {
        let use = memoryUse(threadCount: threadCount, batch: batch)
        return use.featureMaps + use.scratch
    }

    /// How many pictures a ``PlanContext`` for `batch` of them runs at a time.
    package func picturesTogether(threadCount: Int, batch: Int) -> Int {
        (try? BatchLayout(self, batch: batch, threadCount: threadCount))?.picturesTogether ?? 1
    }

    /// How many pictures are best brought at a time to a pool of `threadCount` threads: enough that none of them waits for
    /// another, and that weights are read once for two.
    package func bestPicturesTogether(threadCount: Int) -> Int {
        memory == .small
            ? BatchLayout.mostPicturesShared : BatchLayout.mostPicturesOfThread * threadCount
    }

    /// Its choices, cut for so many pictures and threads: made once for each.
    func schedule(pictureCount: Int, threadCount: Int) throws(PlanError) -> PlanBlueprint {
        try schedules.schedule(
            pictureCount: pictureCount, threadCount: threadCount, of: blueprint)
    }
}
