import OrepaCheckpoint
import OrepaNetwork

/// Collects blocks and graph nodes in the order in which they run.
struct NetworkBuilder {
    let path: String
    private let index: KeyIndex
    private let recognizer: BlockRecognizer
    private(set) var nodes: [Node] = []
    private(set) var blocks: [TrainingBlock] = []
    /// The value that the next node reads, and its channels.
    private var value = Graph.inputName
    private var channels: Int?
    /// The number of blocks in `stage1`, `stage2`, ...
    private let stageSizes: [Int]
    /// Of the first convolution, then of the first block of each stage.
    let strides: [Int]
    /// nil for a RepVGG.
    let stem: NetworkAssumptions.Stem?
    let batchNormEpsilon: Double

    init(path: String, keys: KeyIndex, options: NetworkOptions) throws(TrainingError) {
        self.path = path
        index = keys
        batchNormEpsilon = try options.batchNormEpsilon(for: path)
        recognizer = BlockRecognizer(
            path: path, strays: keys.strays, batchNormEpsilon: batchNormEpsilon)
        stem = try options.stem(for: keys, path: path)
        stageSizes = try keys.stageSizes(path: path)
        strides = try options.strides(
            for: keys.family, stem: stem, stageCount: stageSizes.count, path: path)
    }

    /// Channels of the picture, once a block has been added.
    var inputChannels: Int { blocks.first?.convolution.inputChannels ?? 0 }

    /// Every key of the blocks so far.
    var keys: [String] {
        blocks.flatMap { block in block.tensors.keys.sorted().map { "\(block.prefix).\($0)" } }
    }

    /// `stage0`, then `stage1.0`, ...: one chain.
    mutating func addRepVGG() throws(TrainingError) {
        try addBlock("stage0", stride: strides[0], activation: .relu)
        for (stage, count) in stageSizes.enumerated() {
            for number in 0..<count {
                try addBlock(
                    "stage\(stage + 1).\(number)", stride: number == 0 ? strides[stage + 1] : 1,
                    activation: .relu)
            }
        }
    }

    /// `stage0.conv1` and a max pool if there is one, then residual blocks.
    mutating func addResNet() throws(TrainingError) {
        try addBlock("stage0.conv1", stride: strides[0], activation: .relu)
        if stem == .imageNet {
            addNode("stage0.maxpool", .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)))
        }
        let isBottleneck = index.blocks.keys.contains { $0.hasSuffix(".conv3") }
        for (stage, count) in stageSizes.enumerated() {
            for number in 0..<count {
                try addResidualBlock(
                    "stage\(stage + 1).\(number)", stride: number == 0 ? strides[stage + 1] : 1,
                    isBottleneck: isBottleneck)
            }
        }
    }

    private mutating func addResidualBlock(
        _ prefix: String, stride: Int, isBottleneck: Bool
    ) throws(TrainingError) {
        let (input, inputChannels) = (value, channels ?? 0)
        if isBottleneck {
            try addBlock("\(prefix).conv1", kernel: 1, stride: 1, activation: .relu)
            try addBlock("\(prefix).conv2", stride: stride, activation: .relu)
            try addBlock("\(prefix).conv3", kernel: 1, stride: 1, activation: .identity)
        } else {
            try addBlock("\(prefix).conv1", stride: stride, activation: .relu)
            try addBlock("\(prefix).conv2", stride: 1, activation: .identity)
        }
        let (branch, branchChannels) = (value, channels ?? 0)
        (value, channels) = (input, inputChannels)
        if index.blocks["\(prefix).shortcut"] != nil {
            try addBlock("\(prefix).shortcut", kernel: 1, stride: stride, activation: .identity)
        } else if stride != 1 || inputChannels != branchChannels {
            throw .missingShortcut(
                path: path, block: prefix, inputChannels: inputChannels,
                outputChannels: branchChannels, stride: stride)
        }
        addNode("\(prefix).add", .add(.relu), inputs: [branch, value])
    }

    /// The global average pool and the linear layer, whose weight and bias it gives.
    mutating func addHead() throws(TrainingError) -> (CheckpointTensor, CheckpointTensor) {
        let features = channels ?? 0
        let found = index.linear["weight"]?.shape
        let classes = found?.count == 2 ? found![0] : index.linear["bias"]?.shape.first ?? 1
        func tensor(_ name: String, _ shape: [Int]) throws(TrainingError) -> CheckpointTensor {
            let expected = ExpectedTensor(name: "linear.\(name)", shape: shape)
            // Never nil: neither tensor is one that can be recomputed.
            return try recognizer.check(index.linear[name], expected, in: nil, kind: nil)!
        }
        let weight = try tensor("weight", [classes, features])
        let bias = try tensor("bias", [classes])
        addNode("pool", .globalAveragePool)
        addNode(
            "linear",
            .linear(
                Linear(parameters: "linear", inputFeatures: features, outputFeatures: classes)))
        return (weight, bias)
    }

    private mutating func addNode(_ name: String, _ operation: Operation, inputs: [String]? = nil) {
        nodes.append(Node(name: name, operation: operation, inputs: inputs ?? [value]))
        value = name
    }

    private mutating func addBlock(
        _ prefix: String, kernel: Int? = nil, stride: Int, activation: Activation
    ) throws(TrainingError) {
        guard let tensors = index.blocks[prefix] else {
            throw .missingBlock(path: path, block: prefix, nearest: index.nearestStray(to: prefix))
        }
        let position = BlockPosition(
            prefix: prefix, inputChannels: channels, stride: stride, kernel: kernel,
            activation: activation)
        let block = try recognizer.block(tensors, at: position)
        addNode(prefix, .convolution(block.convolution))
        channels = block.convolution.outputChannels
        blocks.append(block)
    }
}
