import OrepaFiles
import OrepaNetwork
import OrepaPlan

/// A legal network of odd shapes that an input's bytes chose, small enough to be computed by definition.
struct ChosenGraph {
    let graph: Graph
    let height: Int
    let width: Int
    /// Winograd tiles for some layers with ``Numerics/fast``.
    let algorithms: [ByteName: LayerAlgorithm]

    private static let mostProducts = 300_000

    /// Nil where the choices make too large a network.
    init?(_ choices: inout Choices) {
        height = choices.pick(1...32)
        width = choices.pick(1...32)
        var shape = Shape(channels: choices.pick(1...20), height: height, width: width)
        let inputChannels = shape.channels
        var nodes: [Node] = []
        var algorithms: [ByteName: LayerAlgorithm] = [:]
        var last = Graph.inputName
        var products = 0
        for index in 0...choices.pick(0...3) {
            let name = "n\(index)"
            switch choices.pick(0...7) {
            case 0:
                let kernel = min(choices.pick(1...6), shape.height, shape.width)
                let pool = MaxPool(
                    kernel: kernel, stride: choices.pick(1...4),
                    padding: choices.pick(0...kernel / 2))
                nodes.append(Node(name: name, operation: .maxPool(pool), inputs: [last]))
                shape = shape.windowed(kernel, pool.stride, pool.padding, shape.channels)
            case 1:
                // A shortcut: x + f(x).
                let convolution = ChosenGraph.convolution(
                    name + "c", shape, &choices, keepsShape: true)
                products += ChosenGraph.products(convolution, shape)
                nodes.append(
                    Node(name: name + "c", operation: .convolution(convolution), inputs: [last]))
                let inputs = choices.chance() ? [last, name + "c"] : [name + "c", last]
                nodes.append(
                    Node(
                        name: name, operation: .add(choices.chance() ? .relu : .identity),
                        inputs: inputs))
            default:
                let convolution = ChosenGraph.convolution(
                    name, shape, &choices, keepsShape: false)
                nodes.append(
                    Node(name: name, operation: .convolution(convolution), inputs: [last]))
                shape = shape.windowed(
                    convolution.kernel, convolution.stride, convolution.padding,
                    convolution.outputChannels)
                products += ChosenGraph.products(convolution, shape)
                // The network's input has single planes, which no tiles are transformed of.
                if convolution.kernel == 3, convolution.groups == 1, convolution.stride <= 2,
                    last != Graph.inputName, choices.chance()
                {
                    algorithms[ByteName(name)] = .winograd(
                        rows: ChosenGraph.tiles(shape.height, &choices),
                        columns: ChosenGraph.tiles(shape.width, &choices))
                }
            }
            guard products <= ChosenGraph.mostProducts, shape.elementCount <= 1 << 15 else {
                return nil
            }
            last = name
        }
        nodes.append(Node(name: "mean", operation: .globalAveragePool, inputs: [last]))
        let linear = Linear(
            parameters: "linear", inputFeatures: shape.channels,
            outputFeatures: choices.pick(1...40))
        nodes.append(Node(name: "linear", operation: .linear(linear), inputs: ["mean"]))
        do { graph = try Graph(inputChannels: inputChannels, nodes: nodes) } catch {
            preconditionFailure("expected a legal graph: \(error)")
        }
        self.algorithms = algorithms
    }

    private static func convolution(
        _ name: String, _ input: Shape, _ choices: inout Choices, keepsShape: Bool
    ) -> Convolution {
        let divisors = (1...input.channels).filter { input.channels % $0 == 0 }
        let groups = choices.chance() ? 1 : choices.pick(divisors)
        var kernel = choices.pick([1, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 9, 11])
        if keepsShape { kernel |= 1 }
        var padding = keepsShape ? kernel / 2 : choices.pick(0...kernel)
        // A window has to fit.
        let missing = kernel - 2 * padding - min(input.height, input.width)
        if missing > 0 { padding += (missing + 1) / 2 }
        return Convolution(
            parameters: name, inputChannels: input.channels,
            outputChannels: keepsShape
                ? input.channels : groups * choices.pick(1...max(1, 70 / groups)),
            kernel: kernel, stride: keepsShape ? 1 : choices.pick([1, 1, 1, 2, 2, 3, 4, 5]),
            padding: padding, groups: groups, activation: choices.chance() ? .relu : .identity)
    }

    private static func products(_ convolution: Convolution, _ output: Shape) -> Int {
        convolution.weightShape.reduce(1, *) * output.height * output.width
    }

    private static func tiles(_ size: Int, _ choices: inout Choices) -> WinogradTiles {
        var counts = [0, 0, 0, 0]
        var rest = size
        while rest > 0 {
            let tile = min(choices.pick(1...4), rest)
            counts[tile - 1] += 1
            rest -= tile
        }
        return WinogradTiles(counts: counts)
    }
}

extension Shape {
    fileprivate func windowed(
        _ kernel: Int, _ stride: Int, _ padding: Int, _ channels: Int
    ) -> Shape {
        Shape(
            channels: channels, height: (height + 2 * padding - kernel) / stride + 1,
            width: (width + 2 * padding - kernel) / stride + 1)
    }
}
