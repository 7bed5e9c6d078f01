import OrepaNetwork

/// A network made ready for inputs of one size: every operation with its shapes and weights, and a place in
/// memory for every feature map. Immutable; any number of contexts may run it at a time.
public struct Plan: Sendable {
    public let network: Network
    /// Height of the input, in pixels.
    public let height: Int
    /// Width of the input, in pixels.
    public let width: Int
    /// Bytes that each ``PlanContext`` allocates, whatever the batch.
    public var contextByteCount: Int { (arenaCount + scratchCount) * MemoryLayout<Float>.size }

    let steps: [Step]
    /// Elements of the feature maps' memory.
    let arenaCount: Int
    /// Elements of the memory that a step uses while it runs.
    let scratchCount: Int

    /// One operation, where it reads and where it writes (offsets into the arena; -1 is the input).
    struct Step: Sendable {
        let operation: Operation
        let inputs: [Int]
        let output: Int

        enum Operation: Sendable {
            case convolution(ConvolutionStep)
            case maxPool(MaxPoolStep)
            case addReLU(AddReLUStep)
            case globalAveragePool(GlobalAveragePoolStep)
            case linear(LinearStep)
        }
    }

    /// Plans `network` for inputs `[N, C, height, width]` of any N. Costs no more than the number of
    /// nodes; weights are used where they are.
    ///
    /// - Throws: ``NetworkError`` when the network cannot take an input of that size.
    public init(_ network: Network, height: Int, width: Int) throws(NetworkError) {
        self.network = network
        self.height = height
        self.width = width
        let graph = network.graph
        let shapes = try graph.shapes(height: height, width: width)
        let inputs = graph.inputIndices
        let layout = ArenaLayout(Plan.lifetimes(of: shapes, inputs: inputs))
        let inputShape = Shape(channels: graph.inputChannels, height: height, width: width)
        steps = graph.nodes.indices.map { index in
            let operation = Plan.operation(
                graph.nodes[index].operation, tensors: network.tensors,
                input: inputs[index][0] < 0 ? inputShape : shapes[inputs[index][0]],
                output: shapes[index])
            return Step(
                operation: operation,
                inputs: inputs[index].map { $0 < 0 ? -1 : layout.offsets[$0] },
                output: layout.offsets[index])
        }
        arenaCount = layout.size
        scratchCount =
            steps.map { step in
                if case .convolution(let convolution) = step.operation {
                    convolution.scratchCount
                } else {
                    0
                }
            }.max() ?? 0
    }

    private static func lifetimes(of shapes: [Shape], inputs: [[Int]]) -> [ArenaLayout.Buffer] {
        var last = Array(shapes.indices)
        for (reader, values) in inputs.enumerated() {
            for value in values where value >= 0 { last[value] = reader }
        }
        last[shapes.count - 1] = shapes.count
        return shapes.indices.map {
            ArenaLayout.Buffer(size: shapes[$0].elementCount, first: $0, last: last[$0])
        }
    }

    private static func operation(
        _ operation: Operation, tensors: [String: Tensor], input: Shape, output: Shape
    ) -> Step.Operation {
        switch operation {
        case .convolution(let convolution):
            .convolution(
                ConvolutionStep(
                    convolution, input: input, output: output,
                    weight: tensors["\(convolution.parameters).weight"]!,
                    bias: tensors["\(convolution.parameters).bias"]!))
        case .maxPool(let pool): .maxPool(MaxPoolStep(pool: pool, input: input, output: output))
        case .addReLU: .addReLU(AddReLUStep(shape: output))
        case .globalAveragePool: .globalAveragePool(GlobalAveragePoolStep(input: input))
        case .linear(let linear):
            .linear(
                LinearStep(
                    linear: linear, weight: tensors["\(linear.parameters).weight"]!,
                    bias: tensors["\(linear.parameters).bias"]!))
        }
    }
}
