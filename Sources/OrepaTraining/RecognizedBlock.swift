import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// A block as its tensors tell it: all but its stride and what follows it.
struct RecognizedBlock: Sendable {
    let place: NetworkPlace
    let kind: BlockKind
    let geometry: BlockGeometry
    /// The name within the block of its folded convolution.
    let foldedName: String
    /// By their names within the block, as ``TrainingBlock/tensors``.
    let tensors: [ByteName: CheckpointTensor]

    /// Whether the block's input is a branch of its own, which keeps its shape.
    var hasIdentity: Bool { tensors[BlockNames.RepVGG.identity.weight] != nil }
}
