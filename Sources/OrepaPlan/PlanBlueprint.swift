import COrepaKernels
import OrepaFiles
import OrepaNetwork
import OrepaSystem

/// A ``Plan`` before any weight is packed: kernels chosen, and a place in memory for every feature map and every
/// layer's packed weights. Making one costs some microseconds a layer and allocates none of that memory.
public struct PlanBlueprint: Sendable {
    /// What is computed.
    public let graph: Graph
    /// Height of the input, in pixels.
    public let height: Int
    /// Width of the input, in pixels.
    public let width: Int
    /// Which algorithms it was free to choose.
    public let numerics: Numerics
    /// Whose kernels run it.
    public let instructionSet: InstructionSet
    /// Pictures that run together.
    public let pictureCount: Int
    /// How many threads are expected to share the work.
    public let threadCount: Int

    let steps: [Plan.Step]
    /// Where the input and the logits lie, and how.
    let input: Plan.Value
    let logits: Plan.Value
    /// Elements of the feature maps' memory.
    let arenaCount: Int
    /// Elements of scratch memory of each thread.
    let scratchCount: Int
    /// Where each step's packed weights begin when those of all steps lie one after the other, in elements.
    let packedOffsets: [Int]
    /// Elements of the packed weights of all steps.
    let packedCount: Int
    /// Elements of the packed weights of the step that has most.
    let largestPackedCount: Int

    /// What planning takes for a node of the graph at most, in bytes.
    private static let memoryPerNode = 16 << 10

    /// Plans `graph` for inputs `[pictureCount, C, height, width]`.
    ///
    /// - Parameters:
    ///   - algorithms: How to compute layers, by the names of their nodes. For layers that are not named it is
    ///     chosen by their shapes and the numerics.
    ///   - threadCount: How many threads are expected to share the work; a hint for cutting it.
    /// - Throws: ``PlanError/network(_:)`` when the network cannot take an input of that size,
    ///   ``PlanError/algorithm(layer:_:)`` when a layer or the numerics do not allow the algorithm, and what
    ///   ``InstructionSet/current()`` throws when `instructionSet` is nil.
    public init(
        _ graph: Graph, height: Int, width: Int, numerics: Numerics = .fast,
        algorithms: [ByteName: LayerAlgorithm] = [:],
        instructionSet: InstructionSet? = nil, pictureCount: Int = 1, threadCount: Int
    ) throws(PlanError) {
        let instructionSet =
            if let instructionSet { instructionSet } else { try InstructionSet.current() }
        try self.init(
            graph, height: height, width: width, pictureCount: pictureCount,
            settings: Plan.Step.Settings(
                numerics: numerics, algorithms: algorithms, instructionSet: instructionSet,
                threadCount: threadCount))
    }

    /// The same choices, cut for other numbers of pictures and threads. It reads the same packed weights.
    func rescheduled(pictureCount: Int, threadCount: Int) throws(PlanError) -> PlanBlueprint {
        var kernels: [ByteName: ConvolutionKernel] = [:]
        for step in steps { kernels[ByteName(step.layer)] = step.kernel }
        return try PlanBlueprint(
            graph, height: height, width: width, pictureCount: pictureCount,
            settings: Plan.Step.Settings(
                numerics: numerics, kernels: kernels, instructionSet: instructionSet,
                threadCount: threadCount))
    }

    private init(
        _ graph: Graph, height: Int, width: Int, pictureCount: Int, settings: Plan.Step.Settings
    ) throws(PlanError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try PlanError.check(count: graph.nodes.count, size: PlanBlueprint.memoryPerNode)
        self.graph = graph
        self.height = height
        self.width = width
        numerics = settings.numerics
        instructionSet = settings.instructionSet
        self.pictureCount = pictureCount
        threadCount = settings.threadCount
        let layout: PlanLayout
        do {
            layout = try PlanLayout(
                graph, height: height, width: width, pictureCount: pictureCount)
        } catch { throw .network(error) }
        input = layout.input
        logits = layout.logits
        arenaCount = layout.arenaCount
        var steps: [Plan.Step] = []
        for step in layout.steps {
            steps.append(try Plan.Step(step, layout: layout, settings: settings))
        }
        self.steps = steps
        let kernels = steps.compactMap(\.kernel)
        scratchCount = kernels.map(\.scratchCount).max() ?? 0
        var packedCount = 0
        packedOffsets = steps.map { step in
            defer { packedCount += step.packedCount }
            return packedCount
        }
        self.packedCount = packedCount
        largestPackedCount = steps.map(\.packedCount).max() ?? 0
    }

    /// Multiply-adds of one picture as the kernels do them, with those that fill up blocks of channels, and one for each
    /// value that a pool or an addition reads; the largest number there is where there are more.
    public var multiplyAdds: Int {
        steps.reduce(0) { .saturatingSum($0, $1.executedMultiplyAdds) }
    }

    /// How each convolution and linear layer is computed, by the name of its node.
    public var algorithms: [ByteName: LayerAlgorithm] {
        var algorithms: [ByteName: LayerAlgorithm] = [:]
        for step in steps { algorithms[ByteName(step.layer)] = step.kernel?.layerAlgorithm }
        return algorithms
    }

    /// What a plan of this blueprint takes with one context on a pool of `threadCount` threads; with
    /// ``PlanMemory/mapped`` if the file has the packed weights.
    public func memoryUse(_ memory: PlanMemory, threadCount: Int) -> PlanMemoryUse {
        memoryUse(
            memory, threadCount: threadCount, arenaCount: arenaCount, scratchCount: scratchCount)
    }

    /// The same with other feature maps, and scratch of each thread, than the blueprint's.
    func memoryUse(
        _ memory: PlanMemory, threadCount: Int, arenaCount: Int, scratchCount: Int
    ) -> PlanMemoryUse {
        let size = MemoryLayout<Float>.size
        let scratchCount = ConvolutionWorkers.count(
            threadCount: threadCount, scratchCount: scratchCount)
        return PlanMemoryUse(
            packedWeights: memory == .fast ? packedCount * size : 0,
            featureMaps: arenaCount * size,
            scratch: (scratchCount + packingCount(memory)) * size)
    }

    /// Elements of a context's memory into which layers are packed before they run.
    func packingCount(_ memory: PlanMemory) -> Int { memory == .small ? largestPackedCount : 0 }
}
