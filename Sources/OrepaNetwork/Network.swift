import OrepaFiles

/// A plain network, ready to be planned and run: a ``Graph`` and exactly the tensors that it names.
public struct Network: Sendable {
    /// The operations.
    public let graph: Graph
    /// By name: `<parameters>.weight` and `<parameters>.bias` of each convolution and linear layer.
    public let tensors: [ByteName: Tensor]

    /// - Throws: ``NetworkError`` when a tensor is missing, has another shape, or belongs to no node.
    public init(graph: Graph, tensors: [ByteName: Tensor]) throws(NetworkError) {
        let expected = try graph.tensorShapes()
        for (name, shape) in expected {
            guard let tensor = tensors[ByteName(name)] else {
                throw .missingTensor(name: name, expected: shape)
            }
            guard tensor.shape == shape else {
                throw .tensorShape(name: name, expected: shape, found: tensor.shape)
            }
        }
        if tensors.count != expected.count {
            let known = Set(expected.map { ByteName($0.name) })
            throw .unknownTensor(name: tensors.keys.filter { !known.contains($0) }.min()!.text)
        }
        self.graph = graph
        self.tensors = tensors
    }

    /// Number of weights and biases.
    public var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.count } }
}

extension Graph {
    /// Name and shape of every tensor that the graph needs, in node order.
    public func tensorShapes() throws(NetworkError) -> [(name: String, shape: [Int])] {
        var shapes: [(name: String, shape: [Int])] = []
        var seen: Set<ByteName> = []
        for node in nodes {
            guard let weights = node.operation.definition.weights else { continue }
            let parameters = weights.parameters
            guard seen.insert(ByteName(parameters)).inserted else {
                throw .duplicateParameters(name: parameters)
            }
            shapes.append(("\(parameters).weight", weights.shape))
            shapes.append(("\(parameters).bias", [weights.shape[0]]))
        }
        return shapes
    }
}
