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
        steps.map { step in
            let algorithm =
                switch step.operation {
                case .convolution(let kernel, _, _): kernel.algorithm
                case .maxPool: "max pool"
                case .addReLU: "addition"
                case .globalAveragePool: "average pool"
                }
            return StepDescription(
                name: step.name, algorithm: algorithm, multiplyAccumulates: step.multiplyAccumulates
            )
        }
    }
}
