import COrepaKernels
import OrepaNetwork

/// A network made ready for inputs of one size: kernels chosen, weights packed for them, and a place in memory
/// for every feature map. Immutable; any number of contexts may run it at a time.
///
/// Feature maps lie in blocks of 16 channels from the first layer to the last. Which algorithm a layer uses
/// follows from the network and the numerics alone, so the logits have the same bits for any number of threads
/// and any instruction set.
public struct Plan: Sendable {
    /// What it computes.
    public let network: Network
    /// Height of the input, in pixels.
    public let height: Int
    /// Width of the input, in pixels.
    public let width: Int
    /// Which algorithms it was free to choose.
    public let numerics: Numerics
    /// Whose kernels run it.
    public let instructionSet: InstructionSet

    /// Bytes of the packed weights.
    public let packedByteCount: Int

    let steps: [Step]
    /// Where the input and the logits lie, and how.
    let input: Value
    let logits: Value
    /// Elements of the feature maps' memory.
    let arenaCount: Int
    /// Elements of scratch memory that all threads of a step share.
    let sharedScratchCount: Int
    /// Elements of scratch memory of each thread.
    let workerScratchCount: Int

    /// A feature map and its offset in the arena.
    struct Value: Sendable {
        let map: orepa_map
        let offset: Int
    }

    /// One operation, where it reads and where it writes.
    struct Step: Sendable {
        enum Operation: Sendable {
            case convolution(ConvolutionKernel, residual: Value?)
            case maxPool(orepa_max_pool)
            case addReLU(orepa_addition, second: Value)
            case globalAveragePool(orepa_average_pool)
        }

        /// Name of the graph's node whose value it makes.
        let name: String
        let multiplyAccumulates: Int
        let operation: Operation
        let input: Value
        let output: Value
    }

    /// Plans `network` for inputs `[N, C, height, width]` of any N, and packs its weights, which takes about
    /// as long as reading them and as much memory again (up to four times as much with Winograd tiles).
    ///
    /// - Parameter pool: The threads that pack.
    /// - Throws: ``PlanError`` when the network cannot take an input of that size, or for want of memory.
    public init(
        _ network: Network, height: Int, width: Int, numerics: Numerics = .fast,
        instructionSet: InstructionSet = .current, pool: WorkerPool
    ) throws(PlanError) {
        self.network = network
        self.height = height
        self.width = width
        self.numerics = numerics
        self.instructionSet = instructionSet
        let layout: PlanLayout
        do {
            layout = try PlanLayout(network.graph, height: height, width: width)
        } catch { throw .network(error) }
        input = layout.input
        logits = layout.logits
        arenaCount = layout.arenaCount
        steps = layout.steps.map {
            Step(
                $0, layout: layout, numerics: numerics, instructionSet: instructionSet,
                threadCount: pool.threadCount)
        }
        packedByteCount =
            try Step.pack(steps, of: layout.steps, network: network, pool: pool)
            * MemoryLayout<Float>.size
        let kernels = steps.compactMap { step in
            if case .convolution(let kernel, _) = step.operation { kernel } else { nil }
        }
        sharedScratchCount = kernels.map { $0.sharedCount.roundedUp(to: 16) }.max() ?? 0
        workerScratchCount = kernels.map { $0.workerCount.roundedUp(to: 16) }.max() ?? 0
    }

    /// Bytes that a ``PlanContext`` on a pool of `threadCount` threads allocates, whatever the batch.
    public func contextByteCount(threadCount: Int) -> Int {
        (arenaCount + sharedScratchCount + workerScratchCount * threadCount)
            * MemoryLayout<Float>.size
    }
}
