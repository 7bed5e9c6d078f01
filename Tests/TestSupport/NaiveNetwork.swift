import OrepaNetwork

/// The layers of a network as their definitions say, in Float64, one by one: each on the values that another way to run
/// the network gave to the layers before it, so that errors do not add up.
public struct NaiveNetwork {
    /// What a layer makes, and by how much a Float32 sum in any order may differ from it.
    public struct Layer {
        public let values: [Double]
        public let bounds: [Double]
    }

    private let network: Network
    private let shapes: [Shape]
    private let inputs: [[Int]]
    private let inputShape: Shape
    /// By the index of their node; -1 is the network's input.
    private let found: [Int: [Float]]

    /// - Parameter found: What another way gave for one picture, by node, and the picture as `input`. Nodes that it does
    ///   not give are computed here.
    public init(
        _ network: Network, height: Int, width: Int, found: [String: [Float]]
    ) throws {
        self.network = network
        shapes = try network.graph.shapes(height: height, width: width)
        inputs = network.graph.inputIndices
        inputShape = Shape(
            channels: network.graph.inputChannels, height: height, width: width)
        var byIndex = [-1: found[Graph.inputName]!]
        for (index, node) in network.graph.nodes.enumerated() { byIndex[index] = found[node.name] }
        self.found = byIndex
    }

    /// The first node whose found value is not what its definition says, in words; nil when all are right.
    public func firstMistake() -> String? {
        for (index, node) in network.graph.nodes.enumerated() {
            guard let found = found[index] else { continue }
            let layer = layer(index)
            guard found.count == layer.values.count else { return "\(node): \(found.count) values" }
            for place in found.indices
            where !(abs(Double(found[place]) - layer.values[place]) <= layer.bounds[place]) {
                return "\(node) of \(shape(inputs[index][0])), element \(place): expected "
                    + "\(layer.values[place]), found \(found[place])"
            }
        }
        return nil
    }

    private func shape(_ index: Int) -> Shape { index < 0 ? inputShape : shapes[index] }

    private func value(_ index: Int) -> Layer {
        if let found = found[index] {
            return Layer(
                values: found.map(Double.init),
                bounds: [Double](repeating: 0, count: found.count))
        }
        return layer(index)
    }

    private func layer(_ index: Int) -> Layer {
        let node = network.graph.nodes[index]
        let source = shape(inputs[index][0])
        switch node.operation {
        case .convolution(let convolution):
            return sum(convolution, of: value(inputs[index][0]).values, source)
        case .linear(let linear):
            return sum(
                Convolution(
                    parameters: linear.parameters, inputChannels: linear.inputFeatures,
                    outputChannels: linear.outputFeatures, kernel: 1, padding: 0,
                    activation: .identity),
                of: value(inputs[index][0]).values, source)
        case .maxPool(let pool):
            return maxima(pool, of: value(inputs[index][0]), source, shape(index))
        case .add(let activation):
            let (first, second) = (value(inputs[index][0]), value(inputs[index][1]))
            let sums = zip(first.values, second.values).map { $0 + $1 }
            return Layer(
                values: activation == .relu ? sums.map { max(0, $0) } : sums,
                bounds: sums.indices.map {
                    first.bounds[$0] + second.bounds[$0]
                        + abs(sums[$0]) * Double(Float.ulpOfOne)
                })
        case .globalAveragePool:
            let values = value(inputs[index][0]).values
            let plane = source.height * source.width
            let planes = (0..<source.channels).map { values[$0 * plane..<($0 + 1) * plane] }
            return Layer(
                values: planes.map { $0.reduce(0, +) / Double(plane) },
                bounds: planes.map {
                    $0.reduce(0) { $0 + abs($1) } * Double(plane + 2) / Double(plane)
                        * Double(Float.ulpOfOne)
                })
        }
    }

    private func sum(_ convolution: Convolution, of values: [Double], _ source: Shape) -> Layer {
        let weight = network.tensors["\(convolution.parameters).weight"]!.values
        let bias = network.tensors["\(convolution.parameters).bias"]!.values
        let input = values.map(Float.init)
        func sums(_ change: (Float) -> Float) -> [Double] {
            naiveConvolution(
                convolution, weight: weight.map(change), bias: bias.map(change),
                input: input.map(change), height: source.height, width: source.width)
        }
        let length = Double(convolution.weightShape.dropFirst().reduce(1, *) + 2)
        return Layer(
            values: sums { $0 },
            bounds: sums(abs).map { $0 * length * Double(Float.ulpOfOne) })
    }

    private func maxima(
        _ pool: MaxPool, of input: Layer, _ source: Shape, _ output: Shape
    ) -> Layer {
        var values: [Double] = []
        for channel in 0..<output.channels {
            for row in 0..<output.height {
                for column in 0..<output.width {
                    let (y, x) = (
                        row * pool.stride - pool.padding, column * pool.stride - pool.padding
                    )
                    var largest = -Double.infinity
                    for v in max(y, 0)..<min(y + pool.kernel, source.height) {
                        for u in max(x, 0)..<min(x + pool.kernel, source.width) {
                            largest = max(
                                largest,
                                input.values[(channel * source.height + v) * source.width + u])
                        }
                    }
                    values.append(largest)
                }
            }
        }
        return Layer(values: values, bounds: [Double](repeating: 0, count: values.count))
    }
}
