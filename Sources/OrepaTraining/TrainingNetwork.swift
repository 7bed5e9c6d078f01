import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// A checkpoint understood as a network: the graph that folding keeps, and the block behind each of its
/// convolutions.
public struct TrainingNetwork: Sendable {
    /// Path of the checkpoint, for messages.
    public let path: String
    public let family: Family
    /// The graph of the folded network. Each convolution's node is named as its block.
    public let graph: Graph
    /// In the order of the graph's convolutions.
    public let blocks: [TrainingBlock]
    /// For each block's name, its position among ``blocks``.
    private let blockIndices: [ByteName: Int]
    /// `[classes, features]`.
    public let linearWeight: CheckpointTensor
    /// `[classes]`.
    public let linearBias: CheckpointTensor
    /// The block called `name`, or nil.
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

    /// Recognises the network in `checkpoint` and lays it out as `options` say.
    ///
    /// - Throws: ``TrainingError`` about the first thing that does not fit.
    public init(
        _ checkpoint: Checkpoint, options: NetworkOptions = .init()
    ) throws(TrainingError) {
        try self.init(RecognizedNetwork(checkpoint), options: options)
    }

    /// Lays out a network whose blocks are recognised: what `options` say is checked against them.
    ///
    /// The first block and the first of each stage of a RepVGG halve the picture unless `options` say otherwise; a
    /// ResNet's first stage does not.
    ///
    /// - Throws: ``TrainingError`` about the first thing that does not fit, keys of no block among others.
    public init(
        _ network: RecognizedNetwork, options: NetworkOptions = .init()
    ) throws(TrainingError) {
        var builder = try NetworkBuilder(network, options: options)
        try builder.addBlocks()
        builder.addHead()
        if let key = network.strays.first {
            throw .unknownKey(
                path: network.path, key: key, block: nil, kind: nil,
                nearest: nearestKey(to: key, among: network.keys))
        }
        do {
            graph = try Graph(inputChannels: network.inputChannels, nodes: builder.nodes)
        } catch {
            throw .network(path: network.path, error)
        }
        path = network.path
        family = network.family
        blocks = builder.blocks
        blockIndices = Dictionary(
            blocks.enumerated().map { (ByteName($1.name), $0) },
            uniquingKeysWith: { first, _ in first })
        (linearWeight, linearBias) = (network.linearWeight, network.linearBias)
        strides = builder.strides
        stem = builder.stem
        batchNormEpsilon = builder.batchNormEpsilon
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
