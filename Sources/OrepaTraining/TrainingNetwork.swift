import OrepaCheckpoint
import OrepaFiles
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
    /// Path of the checkpoint, for messages.
    public let path: String
    public let family: Family
    /// The graph of the folded network. Each convolution's node is named as its block's prefix.
    public let graph: Graph
    /// In the order of the graph's convolutions.
    public let blocks: [TrainingBlock]
    /// For each block's prefix, its position among ``blocks``.
    private let blockIndices: [ByteName: Int]
    /// `[classes, features]`.
    public let linearWeight: CheckpointTensor
    /// `[classes]`.
    public let linearBias: CheckpointTensor
    /// The block whose prefix is `name`, or nil.
    package func block(named name: String) -> TrainingBlock? {
        blockIndices[ByteName(name)].map { blocks[$0] }
    }

    /// Of the first convolution, then of the first block of each stage.
    public let strides: [Int]
    /// nil for a RepVGG.
    public let stem: NetworkAssumptions.Stem?
    /// What every batch norm adds to its variance.
    public let batchNormEpsilon: Double
    /// How many blocks of each kind there are, by ``BlockKind``'s raw value.
    public var blockCounts: [ByteName: Int] {
        Dictionary(blocks.map { (ByteName($0.kind.rawValue), 1) }, uniquingKeysWith: +)
    }
    /// True when every block is folded already.
    public var isFolded: Bool { blocks.allSatisfy { $0.kind == .folded } }

    /// Recognises the network in `checkpoint` from names, shapes and `options`; no weight is read.
    ///
    /// Family, depth, widths, groups, class count and the kind of every block follow from the keys:
    /// - RepVGG: `stage0`, `stage1.0`, ..., each a block; `stage0` and the first of each stage halve the
    ///   picture unless `options` say otherwise.
    /// - ResNet and ResNeXt: `stage0.conv1`, then residual blocks of `conv1`, `conv2` (basic) or `conv1`,
    ///   `conv2`, `conv3` (bottleneck), and `shortcut`; a network with grouped convolutions is a ResNeXt.
    ///
    /// Strict as PyTorch's `load_state_dict`: no key may be missing or unknown, except that buffers which
    /// follow from the shapes may be absent.
    ///
    /// - Throws: ``TrainingError`` about the first thing that does not fit.
    public init(
        _ checkpoint: Checkpoint, options: NetworkOptions = .init()
    ) throws(TrainingError) {
        let keys = try KeyIndex(checkpoint)
        var builder = try NetworkBuilder(path: checkpoint.path, keys: keys, options: options)
        switch keys.family {
        case .repVGG: try builder.addRepVGG()
        case .resNet, .resNeXt: try builder.addResNet()
        }
        (linearWeight, linearBias) = try builder.addHead()
        if let key = keys.strays.first {
            let expected = builder.keys + ["linear.weight", "linear.bias"]
            throw .unknownKey(
                path: checkpoint.path, key: key, block: nil, kind: nil,
                nearest: nearestKey(to: key, among: expected))
        }
        do {
            graph = try Graph(inputChannels: builder.inputChannels, nodes: builder.nodes)
        } catch {
            throw .network(path: checkpoint.path, error)
        }
        path = checkpoint.path
        blocks = builder.blocks
        blockIndices = Dictionary(
            blocks.enumerated().map { (ByteName($1.prefix), $0) },
            uniquingKeysWith: { first, _ in first })
        strides = builder.strides
        stem = builder.stem
        batchNormEpsilon = builder.batchNormEpsilon
        let isGrouped = blocks.contains { $0.convolution.groups > 1 }
        family = keys.family == .resNet && isGrouped ? .resNeXt : keys.family
    }
}

extension TrainingNetwork {
    /// What was assumed about it.
    ///
    /// - Parameters:
    ///   - stateDict: Where the state dict was in the checkpoint.
    ///   - inputSize: Height and width that it is used with.
    public func assumptions(stateDict: String?, inputSize: Int?) -> NetworkAssumptions {
        let hasBatchNorm = blocks.contains { $0.kind != .folded }
        return NetworkAssumptions(
            strides: strides, stem: stem,
            hasStemPool: graph.hasMaxPool,
            batchNormEpsilon: hasBatchNorm ? batchNormEpsilon : nil, stateDict: stateDict,
            inputSize: inputSize)
    }
}
