import OrepaFiles

/// One operation of a ``Graph`` and the names of the values it reads. Its own name is that of its output.
public struct Node: Sendable, Hashable {
    /// Unique in its graph.
    public let name: String
    /// What it computes.
    public let operation: Operation
    /// Names of earlier nodes, or ``Graph/inputName``; as many as the operation takes.
    public let inputs: [String]

    /// A node; its graph checks it.
    public init(name: String, operation: Operation, inputs: [String]) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
    }
}

/// The operations of a network, without its weights, in an order in which they can be run.
///
/// A graph cannot be built wrong: every input is the picture or an earlier node (so there is no cycle),
/// names are unique, channels agree, every value is used, and the last node is linear: its output is the
/// logits.
public struct Graph: Sendable, Hashable {
    /// The name under which nodes read the network's input.
    public static let inputName = "input"
    /// No channel count, kernel, stride or feature count may exceed this.
    public static let largestDimension = 1 << 20
    /// No weight tensor may have more elements: 2^31 - 1.
    public static let largestTensor = Int(Int32.max)
    /// No value may be a sum of more products: 2^20.
    public static let longestSum = 1 << 20
    /// No feature map of one picture may have more elements: 2^29, which is 2 GiB of Float32.
    public static let largestFeatureMap = 1 << 29

    /// Channels of the pictures that the network takes.
    public let inputChannels: Int
    /// In an order in which they can be run.
    public let nodes: [Node]

    /// - Throws: what is wrong with the first node that is.
    public init(inputChannels: Int, nodes: [Node]) throws(NetworkError) {
        self.inputChannels = inputChannels
        self.nodes = nodes
        try validate()
    }

    /// Number of logits.
    public var classCount: Int {
        if case .linear(let linear) = nodes[nodes.count - 1].operation {
            linear.outputFeatures
        } else {
            0
        }
    }

    /// For each node, the indices of the nodes that it reads; -1 is the network's input.
    public var inputIndices: [[Int]] {
        var indexByName = [ByteName(Graph.inputName): -1]
        for (index, node) in nodes.enumerated() { indexByName[ByteName(node.name)] = index }
        return nodes.map { node in node.inputs.map { indexByName[ByteName($0)]! } }
    }

    private func validate() throws(NetworkError) {
        guard let last = nodes.last, case .linear = last.operation else {
            throw .lastNodeNotLinear(name: nodes.last?.name)
        }
        guard 1...Graph.largestDimension ~= inputChannels else {
            throw .invalid(node: Graph.inputName, what: "channels", found: inputChannels)
        }
        var channelsByName = [ByteName(Graph.inputName): inputChannels]
        var pooled: Set<ByteName> = []
        var unused: Set<ByteName> = []
        for node in nodes {
            guard channelsByName[ByteName(node.name)] == nil else {
                throw .duplicateNode(name: node.name)
            }
            guard node.inputs.count == node.operation.inputCount else {
                throw .inputCount(
                    node: node.name, expected: node.operation.inputCount, found: node.inputs.count)
            }
            var inputChannels: [Int] = []
            for input in node.inputs {
                guard let channels = channelsByName[ByteName(input)] else {
                    throw .unknownInput(node: node.name, input: input)
                }
                inputChannels.append(channels)
                unused.remove(ByteName(input))
            }
            let inputs = OperationInputs(
                channels: inputChannels,
                isPooled: node.inputs.contains { pooled.contains(ByteName($0)) })
            channelsByName[ByteName(node.name)] = try node.operation.definition.outputChannels(
                inputs, node: node.name)
            if case .globalAveragePool = node.operation { pooled.insert(ByteName(node.name)) }
            if case .linear = node.operation, ByteName(node.name) != ByteName(last.name) {
                throw .linearNotLast(name: node.name)
            }
            unused.insert(ByteName(node.name))
        }
        unused.remove(ByteName(last.name))
        if let name = unused.min() { throw .unusedNode(name: name.text) }
    }

    /// The product of `shape`, or nil when it is larger than `limit`.
    static func elementCount(_ shape: [Int], limit: Int) -> Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= limit else { return nil }
            count = product
        }
        return count
    }
}
