import OrepaCheckpoint
import OrepaNetwork

/// One block of a training-time network: its kind, the convolution it is equal to, and its own tensors.
public struct TrainingBlock: Sendable {
    /// Where the block stands in the network, such as `stage1.0.conv2`. It is also its node's name.
    public let prefix: String
    public let kind: BlockKind
    /// The folded convolution: geometry, and the published name of its tensors.
    public let convolution: Convolution
    /// The checkpoint's tensors by their names under the prefix, such as `rbr_dense.bn.weight`.
    public let tensors: [String: CheckpointTensor]
}
