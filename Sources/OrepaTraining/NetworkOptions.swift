import OrepaNetwork

/// What a state dict does not hold and decides what its network computes. nil stands for the published networks' value.
public struct NetworkOptions: Sendable, Hashable {
    /// Of the first convolution, then of the first block of each stage. By default 2 each, for a ResNet's `stage1` and
    /// for the small stem 1.
    public var strides: [Int]?
    /// How a ResNet begins. By default ``NetworkAssumptions/Stem/imageNet`` where the first kernel is larger than 3x3,
    /// which says nothing about it.
    public var stem: NetworkAssumptions.Stem?
    /// What every batch norm adds to its variance. By default PyTorch's 1e-5.
    public var batchNormEpsilon: Double?

    /// Strides that a network may have.
    public static let possibleStrides = 1...4
    public static let defaultBatchNormEpsilon = 1e-5
    /// Largest first kernel of a ResNet that does not tell for pictures of which size it was made.
    static let ambiguousStemKernel = 3

    public init(
        strides: [Int]? = nil, stem: NetworkAssumptions.Stem? = nil,
        batchNormEpsilon: Double? = nil
    ) {
        self.strides = strides
        self.stem = stem
        self.batchNormEpsilon = batchNormEpsilon
    }

    /// What was assumed when `model` was made: what its file records, else what its graph shows.
    public init(_ model: ModelFile) {
        if let assumptions = model.description.assumptions {
            self.init(assumptions)
        } else {
            self.init(
                strides: model.network.graph.stageStrides, stem: model.network.graph.stem)
        }
    }

    /// What was assumed when a model was made.
    public init(_ assumptions: NetworkAssumptions) {
        strides = assumptions.strides
        stem = assumptions.stem
        batchNormEpsilon = assumptions.batchNormEpsilon
    }
}
