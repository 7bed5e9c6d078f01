import OrepaCheckpoint
import OrepaNetwork

/// The families of networks that are recognised.
public enum Family: String, Sendable, CaseIterable, Hashable {
    case repVGG = "RepVGG"
    case resNet = "ResNet"
    case resNeXt = "ResNeXt"
}

/// A network as the keys and shapes of a checkpoint tell it: all but what ``NetworkOptions`` say, which no state dict
/// holds. No weight was read.
public struct RecognizedNetwork: Sendable {
    /// Path of the checkpoint, for messages.
    public let path: String
    public let family: Family
    /// The number of blocks in each stage after the stem; at least one stage of at least one.
    public let stageSizes: [Int]
    /// Of a picture.
    public var inputChannels: Int { stem.geometry.inputChannels }
    public let classCount: Int
    /// Whether every block is folded already.
    public var isFolded: Bool { blocks.allSatisfy { $0.kind == .folded } }
    /// Whether a ResNet's first kernel is too small to tell how the network begins, so that ``NetworkOptions/stem`` has
    /// to.
    public var isStemAmbiguous: Bool {
        family != .repVGG && stem.geometry.kernel <= NetworkOptions.ambiguousStemKernel
    }

    let dialect: Dialect
    let stem: RecognizedBlock
    let stages: [[Unit]]
    let linearWeight: CheckpointTensor
    let linearBias: CheckpointTensor
    /// Keys that belong to no block.
    let strays: [String]

    /// A block of a stage.
    enum Unit: Sendable {
        case block(RecognizedBlock)
        /// Two convolutions of a basic block or three of a bottleneck, and the one beside them.
        case residual([RecognizedBlock], shortcut: RecognizedBlock?)

        var blocks: [RecognizedBlock] {
            switch self {
            case .block(let block): [block]
            case .residual(let branch, let shortcut): branch + [shortcut].compactMap(\.self)
            }
        }
    }

    /// In the order in which they run.
    var blocks: [RecognizedBlock] { [stem] + stages.joined().flatMap(\.blocks) }

    /// Every key that was recognised, and those of the linear layer.
    var keys: [String] {
        blocks.flatMap { block in
            block.tensors.sorted { $0.key < $1.key }.map(\.value.name)
        } + KeyIndex.linearNames.map { dialect.key(.linear, $0) }
    }

    /// Recognises the network in `checkpoint` from names and shapes.
    ///
    /// Family, depth, widths, groups, class count and the kind of every block follow from the keys:
    /// - RepVGG: `stage0`, `stage1.0`, ..., each a block.
    /// - ResNet and ResNeXt: `stage0.conv1`, then residual blocks of `conv1`, `conv2` (basic) or `conv1`, `conv2`,
    ///   `conv3` (bottleneck), and `shortcut`; a network with grouped convolutions is a ResNeXt.
    ///   Torchvision's names for these are known too.
    ///
    /// Strict as PyTorch's `load_state_dict`: no key of a block may be missing or unknown, except that buffers which
    /// follow from the shapes may be absent. Keys of no block are refused when the network is built.
    ///
    /// - Throws: ``TrainingError`` about the first thing that does not fit.
    public init(_ checkpoint: Checkpoint) throws(TrainingError) {
        let keys = try KeyIndex(checkpoint)
        var recognizer = NetworkRecognizer(keys)
        stageSizes = try keys.stageSizes()
        path = keys.path
        dialect = keys.dialect
        strays = keys.strays
        stem = try recognizer.block(at: dialect.stemPlace)
        stages = try recognizer.stages(stageSizes)
        (linearWeight, linearBias) = try recognizer.head()
        classCount = linearBias.shape[0]
        let all = [stem] + stages.joined().flatMap(\.blocks)
        let isGrouped = all.contains { $0.geometry.groups > 1 }
        family = dialect.family == .resNet && isGrouped ? .resNeXt : dialect.family
    }
}
