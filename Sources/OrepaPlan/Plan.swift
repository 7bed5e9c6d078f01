import COrepaKernels
import OrepaNetwork

/// A network made ready for inputs of one size: kernels chosen, weights packed for them, and a place in memory
/// for every feature map. Immutable; any number of contexts may run it at a time.
///
/// Feature maps lie in blocks of 16 channels from the first layer to the last. Which algorithm a layer uses
/// follows from the network and the numerics alone, so the logits have the same bits for any number of threads
/// and any instruction set.
public struct Plan: Sendable {
    public let network: Network
    /// Height of the input, in pixels.
    public let height: Int
    /// Width of the input, in pixels.
    public let width: Int
    public let numerics: Numerics
    public let instructionSet: InstructionSet

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

        let operation: Operation
        let input: Value
        let output: Value
    }

    /// Plans `network` for inputs `[N, C, height, width]` of any N, and packs its weights, which takes about
    /// as long as reading them and as much memory again (up to four times as much with Winograd tiles).
    ///
    /// - Parameter pool: The threads that pack.
    /// - Throws: ``NetworkError`` when the network cannot take an input of that size.
    public init(
        _ network: Network, height: Int, width: Int, numerics: Numerics = .fast,
        instructionSet: InstructionSet = .current, pool: WorkerPool
    ) throws(NetworkError) {
        self.network = network
        self.height = height
        self.width = width
        self.numerics = numerics
        self.instructionSet = instructionSet
        let shapes = try network.graph.shapes(height: height, width: width)
        let inputShape = Shape(
            channels: network.graph.inputChannels, height: height, width: width)
        let lowered = LoweredGraph(network.graph).steps
        let values = Plan.values(lowered, shapes: shapes, input: inputShape)
        input = values.input
        logits = values.byNode[shapes.count - 1]!
        arenaCount = values.arenaCount
        func value(_ node: Int) -> Value { node < 0 ? values.input : values.byNode[node]! }
        steps = lowered.map { step in
            Step(
                operation: Plan.operation(
                    step, value: value, network: network, numerics: numerics,
                    instructionSet: instructionSet, pool: pool),
                input: value(step.input), output: value(step.node))
        }
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

    /// Bytes of the packed weights.
    public var packedByteCount: Int {
        steps.reduce(0) { sum, step in
            if case .convolution(let kernel, _) = step.operation {
                sum + kernel.packedByteCount
            } else {
                sum
            }
        }
    }

    /// A map for each node's value, with the border that its readers need, and its place in the arena.
    private static func values(
        _ steps: [LoweredGraph.Step], shapes: [Shape], input: Shape
    ) -> (input: Value, byNode: [Int: Value], arenaCount: Int) {
        var border: [Int: Int] = [:]
        var last: [Int: Int] = [:]
        for (index, step) in steps.enumerated() {
            for node in step.reads { last[node] = index }
            if case .convolution(let convolution, _) = step.operation {
                border[step.input] = max(border[step.input] ?? 0, convolution.padding)
            }
        }
        // Only convolutions of all channels read single planes.
        let isPlanar = steps.allSatisfy { step in
            guard step.reads.contains(-1) else { return true }
            guard case .convolution(let convolution, let residual) = step.operation else {
                return false
            }
            return convolution.groups == 1 && residual != -1
        }
        let inputMap = (isPlanar ? orepa_map_planar : orepa_map_blocked)(
            Int32(input.channels), Int32(input.height), Int32(input.width), Int32(border[-1] ?? 0))
        let maps = steps.map { step in
            let shape = shapes[step.node]
            return orepa_map_blocked(
                Int32(shape.channels), Int32(shape.height), Int32(shape.width),
                Int32(border[step.node] ?? 0))
        }
        let layout = ArenaLayout(
            [.init(size: Int(inputMap.image), first: -1, last: last[-1] ?? 0)]
                + steps.indices.map {
                    .init(
                        size: Int(maps[$0].image), first: $0,
                        last: last[steps[$0].node] ?? steps.count)
                })
        var byNode: [Int: Value] = [:]
        for (index, step) in steps.enumerated() {
            byNode[step.node] = Value(map: maps[index], offset: layout.offsets[index + 1])
        }
        return (Value(map: inputMap, offset: layout.offsets[0]), byNode, layout.size)
    }

    private static func operation(
        _ step: LoweredGraph.Step, value: (Int) -> Value, network: Network, numerics: Numerics,
        instructionSet: InstructionSet, pool: WorkerPool
    ) -> Step.Operation {
        let (input, output) = (value(step.input).map, value(step.node).map)
        switch step.operation {
        case .convolution(let convolution, let residual):
            let summand = residual.map(value)
            return .convolution(
                ConvolutionKernel(
                    convolution, input: input, output: output, residual: summand?.map,
                    weight: network.tensors["\(convolution.parameters).weight"]!,
                    bias: network.tensors["\(convolution.parameters).bias"]!,
                    numerics: numerics, instructionSet: instructionSet, pool: pool),
                residual: summand)
        case .maxPool(let pool):
            return .maxPool(
                orepa_max_pool(
                    input: input, output: output, images: 1, kernel: Int32(pool.kernel),
                    stride: Int32(pool.stride), padding: Int32(pool.padding)))
        case .addReLU(let second):
            return .addReLU(
                orepa_addition(
                    a: input, b: value(second).map, output: output, images: 1, relu: true),
                second: value(second))
        case .globalAveragePool:
            return .globalAveragePool(orepa_average_pool(input: input, output: output, images: 1))
        }
    }
}
