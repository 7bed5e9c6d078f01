import OrepaCheckpoint
import OrepaNetwork

/// The families of networks that are recognised.
public enum Family: String, Sendable, CaseIterable, Hashable {
    case repVGG = "RepVGG"
    case resNet = "ResNet"
    case resNeXt = "ResNeXt"
}

/// A checkpoint understood as a network: the graph that folding keeps, and the block behind each of its
/// convolutions.
public struct TrainingNetwork: Sendable {
    public let family: Family
    /// The graph of the folded network. Each convolution's node is named as its block's prefix.
    public let graph: Graph
    /// In the order of the graph's convolutions.
    public let blocks: [TrainingBlock]
    /// `[classes, features]`.
    public let linearWeight: CheckpointTensor
    /// `[classes]`.
    public let linearBias: CheckpointTensor
    /// True when every block is folded already.
    public var isFolded: Bool { blocks.allSatisfy { $0.kind == .folded } }
}
