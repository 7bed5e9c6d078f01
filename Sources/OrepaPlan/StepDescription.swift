import OrepaNetwork

/// How a plan computes one of its steps, for people.
public struct StepDescription: Sendable, Hashable {
    /// Name of the graph's node whose value the step makes.
    public let name: String
    /// Such as `winograd`, `direct`, `max pool`.
    public let algorithm: String
    /// Multiplications with addition of the operation as it is defined, whatever the algorithm saves.
    public let multiplyAccumulates: Int
}

extension Plan {
    /// In the order in which the steps run.
    public var stepDescriptions: [StepDescription] {
        // The plan was made for this size, so the network takes it.
        let products = try! network.graph.multiplyAccumulates(height: height, width: width)
        let inputs = network.graph.inputIndices
        let lowered = LoweredGraph(network.graph).steps
        return zip(steps, lowered).map { step, lowered in
            let algorithm: String
            // An addition's convolution is the later of the nodes that it adds.
            var count = products[lowered.node]
            switch step.operation {
            case .convolution(let kernel, let residual):
                algorithm = kernel.algorithm
                if residual != nil { count = products[inputs[lowered.node].max()!] }
            case .maxPool: algorithm = "max pool"
            case .addReLU: algorithm = "addition"
            case .globalAveragePool: algorithm = "average pool"
            }
            return StepDescription(
                name: network.graph.nodes[lowered.node].name, algorithm: algorithm,
                multiplyAccumulates: count)
        }
    }
}
