import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// One block of a training-time network: its kind, the convolution it is equal to, and its own tensors.
///
/// A block holds every tensor that its kind needs, each of the expected shape and of floating-point
/// elements; only buffers that can be recomputed may be absent.
public struct TrainingBlock: Sendable {
    /// Path of the checkpoint, for messages.
    public let path: String
    /// Where the block stands in the network, such as `stage1.0.conv2`: its node's name. The checkpoint's author may
    /// call it otherwise.
    public let name: String
    public let kind: BlockKind
    /// The folded convolution: geometry, and the published name of its tensors.
    public let convolution: Convolution
    /// The name within the block of its folded convolution.
    package let foldedName: String
    /// What each of its batch norms adds to its variance.
    public let batchNormEpsilon: Double
    /// The checkpoint's tensors by their published names within the block, such as `rbr_dense.bn.weight`, whatever
    /// their keys in the file are. `num_batches_tracked`, which means nothing after training, is left out.
    public let tensors: [ByteName: CheckpointTensor]
}
