import OrepaNetwork

/// The first layer in which a graph is another than it should be, in words.
struct GraphDifference {
    let expected: String
    let found: String

    /// nil when the graphs are the same.
    init?(expected: Graph, found: Graph) {
        guard expected != found else { return nil }
        let index =
            zip(expected.nodes, found.nodes).enumerated()
            .first { $1.0 != $1.1 }?.offset ?? min(expected.nodes.count, found.nodes.count)
        func describe(_ graph: Graph) -> String {
            guard index < graph.nodes.count else { return "\(graph.nodes.count) layers" }
            let node = graph.nodes[index]
            let inputs = node.inputs.map { "`\($0)`" }.joined(separator: " and ")
            return "`\(node.name)`, \(inWords(node.operation)) of \(inputs)"
        }
        self.expected = describe(expected)
        self.found = describe(found)
    }
}

/// A layer in words, for messages.
private func inWords(_ operation: Operation) -> String {
    switch operation {
    case .convolution(let layer):
        "a \(layer.kernel)x\(layer.kernel) convolution, \(layer.inputChannels) to "
            + "\(layer.outputChannels) channels, stride \(layer.stride), padding \(layer.padding), "
            + "\(layer.groups) \(layer.groups == 1 ? "group" : "groups")\(inWords(layer.activation))"
            + " (`\(layer.parameters)`)"
    case .maxPool(let pool):
        "a \(pool.kernel)x\(pool.kernel) max pool, stride \(pool.stride), padding \(pool.padding)"
    case .add(let activation): "the sum\(inWords(activation))"
    case .globalAveragePool: "the mean"
    case .linear(let layer):
        "a linear layer, \(layer.inputFeatures) to \(layer.outputFeatures) (`\(layer.parameters)`)"
    }
}

private func inWords(_ activation: Activation) -> String {
    switch activation {
    case .identity: ""
    case .relu: ", ReLU"
    }
}
