import OrepaFiles
import OrepaNetwork

/// A legal network of odd shapes that bytes choose: for tests of random networks and for fuzzing, where each byte is a
/// choice that a fuzzer can change by itself. Any bytes give a network; what is missing is zero.
public struct GraphBytes {
    private var bytes: ArraySlice<UInt8>
    private var nodes: [Node] = []
    /// Values that a node may read, and their shapes; the network's input first.
    private var values: [(name: String, shape: Shape)] = []

    /// What was chosen.
    public struct Choice: Sendable {
        public let network: Network
        public let height: Int
        public let width: Int
        /// From 1 to 4.
        public let threadCount: Int
        /// From 1 to 5.
        public let pictureCount: Int
        /// `[pictureCount, C, height, width]`, row-major, from -1 to 1.
        public let pictures: [Float]
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    /// The network of these bytes: at most a dozen layers of at most a hundred thousand multiply-adds each.
    public static func choice(_ bytes: [UInt8]) throws -> Choice {
        var chooser = GraphBytes(bytes)
        return try chooser.choice()
    }

    /// As many random bytes as a network needs.
    public static func random(_ seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed)
        return (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private mutating func byte() -> Int { Int(bytes.popFirst() ?? 0) }

    /// Of the numbers from `range`, by one byte.
    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + byte() % range.count
    }

    private mutating func pick(_ numbers: [Int]) -> Int { numbers[byte() % numbers.count] }

    private static let channelCounts = [
        1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65,
    ]

    private mutating func choice() throws -> Choice {
        let shape = Shape(
            channels: pick([3, 1, 2, 4, 16, 17]), height: number(1...40), width: number(1...40))
        let (threadCount, pictureCount) = (number(1...4), number(1...5))
        values = [(Graph.inputName, shape)]
        for _ in 0..<number(1...9) { addLayer() }
        addHead(classCount: pick([1, 2, 10, 17, 100]))
        let graph = try Graph(inputChannels: shape.channels, nodes: nodes)
        var random = SeededRandom(UInt64(byte()))
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[ByteName(name)] = Tensor(
                shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        return Choice(
            network: try Network(graph: graph, tensors: tensors), height: shape.height,
            width: shape.width, threadCount: threadCount, pictureCount: pictureCount,
            pictures: random.floats(pictureCount * shape.elementCount))
    }

    private mutating func addLayer() {
        switch number(0...9) {
        case 0, 1: addPool()
        case 2: addSum()
        default: addConvolution()
        }
    }

    private var last: (name: String, shape: Shape) { values[values.count - 1] }

    private mutating func add(_ operation: Operation, _ inputs: [String], _ shape: Shape) {
        let name = "n\(nodes.count)"
        nodes.append(Node(name: name, operation: operation, inputs: inputs))
        values.append((name, shape))
    }

    /// A window that fits a map of that height and width: also one larger than it, with much padding and large strides.
    private mutating func window(
        _ shape: Shape, kernels: [Int], padding mostPadding: (Int) -> Int
    ) -> (kernel: Int, stride: Int, padding: Int) {
        let kernel = pick(kernels)
        let least = max(0, (kernel - min(shape.height, shape.width) + 1) / 2)
        let most = max(least, mostPadding(kernel))
        return (kernel, pick([1, 1, 2, 2, 3, 5, 41]), number(least...most))
    }

    private static func outputs(_ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
        (size + 2 * padding - kernel) / stride + 1
    }

    private mutating func addConvolution(activation: Activation? = nil) {
        let input = last
        let groups = pick([1, 1, 1, 1, 2, 3, 4, 5, 8, 16, input.shape.channels])
        let isGrouped = input.shape.channels % groups == 0
        let count = isGrouped ? groups : 1
        let perGroup =
            isGrouped && groups > 1
            ? pick([1, 2, 3, 4, 8, 16, 17]) : pick(GraphBytes.channelCounts)
        // Of one width in and out now and then, as the grouped kernels need it.
        let outputChannels =
            number(0...3) == 0 ? input.shape.channels : min(count * perGroup, count * 96)
        let (kernel, stride, padding) = window(
            input.shape, kernels: [1, 3, 3, 3, 2, 4, 5, 7, 9, 11, 45], padding: { $0 })
        let output = Shape(
            channels: outputChannels,
            height: GraphBytes.outputs(input.shape.height, kernel, stride, padding),
            width: GraphBytes.outputs(input.shape.width, kernel, stride, padding))
        let activation = activation ?? (number(0...1) == 1 ? .relu : .identity)
        // What takes long is left out.
        let products = output.elementCount * input.shape.channels / count * kernel * kernel
        guard products <= 100_000, output.channels <= 512 else { return }
        add(
            .convolution(
                Convolution(
                    parameters: "n\(nodes.count)", inputChannels: input.shape.channels,
                    outputChannels: outputChannels, kernel: kernel, stride: stride,
                    padding: padding,
                    groups: count, activation: activation)), [input.name], output)
    }

    private mutating func addPool() {
        let input = last
        let (kernel, stride, padding) = window(
            input.shape, kernels: [1, 2, 3, 4, 7, 45], padding: { $0 / 2 })
        guard padding * 2 <= kernel else { return }
        add(
            .maxPool(MaxPool(kernel: kernel, stride: stride, padding: padding)), [input.name],
            Shape(
                channels: input.shape.channels,
                height: GraphBytes.outputs(input.shape.height, kernel, stride, padding),
                width: GraphBytes.outputs(input.shape.width, kernel, stride, padding)))
    }

    /// The sum of the last value with itself, an earlier one, or what a convolution makes of it.
    private mutating func addSum() {
        let input = last
        let way = number(0...3)
        if way == 0 { addConvolution(activation: .identity) }
        let first = last
        let fitting = values.filter { $0.shape == first.shape }
        let second = fitting[byte() % fitting.count]
        let inputs = way % 2 == 0 ? [first.name, second.name] : [second.name, first.name]
        guard nodes.contains(where: { $0.name == first.name }) || first.name == input.name else {
            return
        }
        add(.add(number(0...3) == 0 ? .identity : .relu), inputs, first.shape)
    }

    private mutating func addHead(classCount: Int) {
        let input = last
        add(
            .globalAveragePool, [input.name],
            Shape(channels: input.shape.channels, height: 1, width: 1))
        add(
            .linear(
                Linear(
                    parameters: "linear", inputFeatures: input.shape.channels,
                    outputFeatures: classCount)), [last.name],
            Shape(channels: classCount, height: 1, width: 1))
    }
}
