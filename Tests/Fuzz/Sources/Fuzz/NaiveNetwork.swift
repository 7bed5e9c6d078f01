import OrepaFiles
import OrepaNetwork

/// A network computed as its operations are defined, in Float64: one loop per index.
struct NaiveNetwork {
    /// A feature map `[C, H, W]`, and for each value the most that its terms may add up to: what it is compared by.
    struct Map {
        let shape: Shape
        var values: [Double]
        var bounds: [Double]

        var largestBound: Double { bounds.max() ?? 0 }
    }

    /// By the names of the nodes.
    let maps: [String: Map]

    init(_ network: Network, input: [Float], height: Int, width: Int) {
        let graph = network.graph
        var maps: [String: Map] = [:]
        maps[Graph.inputName] = Map(
            shape: Shape(channels: graph.inputChannels, height: height, width: width),
            values: input.map(Double.init), bounds: input.map { Double($0.magnitude) })
        for node in graph.nodes {
            let x = maps[node.inputs[0]]!
            switch node.operation {
            case .convolution(let convolution):
                maps[node.name] = NaiveNetwork.convolve(x, convolution, network)
            case .linear(let linear):
                maps[node.name] = NaiveNetwork.convolve(
                    x,
                    Convolution(
                        parameters: linear.parameters, inputChannels: linear.inputFeatures,
                        outputChannels: linear.outputFeatures, kernel: 1, padding: 0,
                        activation: .identity),
                    network)
            case .maxPool(let pool):
                maps[node.name] = NaiveNetwork.maxPool(x, pool)
            case .add(let activation):
                let y = maps[node.inputs[1]]!
                maps[node.name] = Map(
                    shape: x.shape,
                    values: zip(x.values, y.values).map {
                        activation == .relu ? max(0, $0 + $1) : $0 + $1
                    },
                    bounds: zip(x.bounds, y.bounds).map { $0 + $1 })
            case .globalAveragePool:
                let size = x.shape.height * x.shape.width
                func means(_ values: [Double]) -> [Double] {
                    (0..<x.shape.channels).map {
                        values[$0 * size..<($0 + 1) * size].reduce(0, +) / Double(size)
                    }
                }
                maps[node.name] = Map(
                    shape: Shape(channels: x.shape.channels, height: 1, width: 1),
                    values: means(x.values), bounds: means(x.bounds))
            }
        }
        self.maps = maps
    }

    private static func convolve(
        _ x: Map, _ convolution: Convolution, _ network: Network
    ) -> Map {
        let weight = network.tensors[ByteName(convolution.parameters + ".weight")]!.values.map(
            Double.init)
        let bias = network.tensors[ByteName(convolution.parameters + ".bias")]!.values.map(
            Double.init)
        let (kernel, stride, padding) = (
            convolution.kernel, convolution.stride, convolution.padding
        )
        let (height, width) = (x.shape.height, x.shape.width)
        let depth = convolution.inputChannels / convolution.groups
        let outputsPerGroup = convolution.outputChannels / convolution.groups
        let shape = Shape(
            channels: convolution.outputChannels,
            height: (height + 2 * padding - kernel) / stride + 1,
            width: (width + 2 * padding - kernel) / stride + 1)
        var map = Map(shape: shape, values: [], bounds: [])
        for channel in 0..<convolution.outputChannels {
            let group = channel / outputsPerGroup
            for row in 0..<shape.height {
                for column in 0..<shape.width {
                    var sum = bias[channel]
                    var bound = sum.magnitude
                    for inner in 0..<depth {
                        for tap in 0..<kernel * kernel {
                            let y = row * stride + tap / kernel - padding
                            let z = column * stride + tap % kernel - padding
                            guard 0..<height ~= y, 0..<width ~= z else { continue }
                            let index = ((group * depth + inner) * height + y) * width + z
                            let factor = weight[(channel * depth + inner) * kernel * kernel + tap]
                            sum += factor * x.values[index]
                            bound += factor.magnitude * x.bounds[index]
                        }
                    }
                    map.values.append(convolution.activation == .relu ? max(0, sum) : sum)
                    map.bounds.append(bound)
                }
            }
        }
        return map
    }

    private static func maxPool(_ x: Map, _ pool: MaxPool) -> Map {
        let (height, width) = (x.shape.height, x.shape.width)
        let shape = Shape(
            channels: x.shape.channels,
            height: (height + 2 * pool.padding - pool.kernel) / pool.stride + 1,
            width: (width + 2 * pool.padding - pool.kernel) / pool.stride + 1)
        var map = Map(shape: shape, values: [], bounds: [])
        for channel in 0..<shape.channels {
            for row in 0..<shape.height {
                for column in 0..<shape.width {
                    var largest = -Double.infinity
                    var bound = 0.0
                    for tap in 0..<pool.kernel * pool.kernel {
                        let y = row * pool.stride + tap / pool.kernel - pool.padding
                        let z = column * pool.stride + tap % pool.kernel - pool.padding
                        guard 0..<height ~= y, 0..<width ~= z else { continue }
                        let index = (channel * height + y) * width + z
                        largest = max(largest, x.values[index])
                        bound = max(bound, x.bounds[index])
                    }
                    map.values.append(largest)
                    map.bounds.append(bound)
                }
            }
        }
        return map
    }
}
