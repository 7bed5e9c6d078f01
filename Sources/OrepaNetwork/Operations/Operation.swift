/// What a node of a ``Graph`` computes. This is all that a folded network needs.
public enum Operation: Sendable, Hashable {
    /// A convolution with bias, and an activation after it.
    case convolution(Convolution)
    /// The largest value under a window.
    case maxPool(MaxPool)
    /// The sum of two feature maps of one shape, and an activation after it.
    case add(Activation)
    /// The mean over height and width: `[N, C, H, W]` to `[N, C, 1, 1]`.
    case globalAveragePool
    /// The matrix product that gives the logits.
    case linear(Linear)

    /// Whether it is a convolution or linear layer.
    public var hasWeights: Bool { definition.weights != nil }

    /// How many inputs the operation takes.
    public var inputCount: Int { definition.inputCount }
}

extension Operation {
    var definition: any OperationDefinition {
        switch self {
        case .convolution(let convolution): convolution
        case .maxPool(let pool): pool
        case .add(let activation): Addition(activation: activation)
        case .globalAveragePool: GlobalAveragePool()
        case .linear(let linear): linear
        }
    }

    static let documentReaders =
        Convolution.documentReaders + MaxPool.documentReaders + Addition.documentReaders
        + GlobalAveragePool.documentReaders + Linear.documentReaders
}
