import OrepaNetwork

/// Makes graph nodes of recognised blocks, in the order in which they run.
struct NetworkBuilder {
    private let network: RecognizedNetwork
    private(set) var nodes: [Node] = []
    private(set) var blocks: [TrainingBlock] = []
    /// The value that the next node reads.
    private var value = Graph.inputName
    /// Of the first convolution, then of the first block of each stage.
    let strides: [Int]
    /// nil for a RepVGG.
    let stem: NetworkAssumptions.Stem?
    let batchNormEpsilon: Double

    init(_ network: RecognizedNetwork, options: NetworkOptions) throws(TrainingError) {
        self.network = network
        batchNormEpsilon = try options.batchNormEpsilon(for: network)
        stem = try options.stem(for: network)
        strides = try options.strides(for: network, stem: stem)
    }

    /// The stem, then each stage's blocks, of which the first has the stage's stride.
    mutating func addBlocks() throws(TrainingError) {
        try add(network.stem, stride: strides[0], activation: .relu)
        if stem == .imageNet {
            addNode(.stemPool, .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)))
        }
        for (stage, units) in network.stages.enumerated() {
            for (number, unit) in units.enumerated() {
                let stride = number == 0 ? strides[stage + 1] : 1
                switch unit {
                case .block(let block): try add(block, stride: stride, activation: .relu)
                case .residual(let branch, let shortcut):
                    try addResidual(
                        branch, shortcut, stride: stride, stage: stage + 1, number: number)
                }
            }
        }
    }

    /// A basic block has its stride in the first convolution, a bottleneck in the second.
    private mutating func addResidual(
        _ branch: [RecognizedBlock], _ shortcut: RecognizedBlock?, stride: Int, stage: Int,
        number: Int
    ) throws(TrainingError) {
        let input = value
        for (index, block) in branch.enumerated() {
            try add(
                block, stride: index == branch.count - 2 ? stride : 1,
                activation: index < branch.count - 1 ? .relu : .identity)
        }
        let end = value
        value = input
        let inputChannels = branch[0].geometry.inputChannels
        let outputChannels = branch[branch.count - 1].geometry.outputChannels
        if let shortcut {
            try add(shortcut, stride: stride, activation: .identity)
        } else if stride != 1 || inputChannels != outputChannels {
            throw .missingShortcut(
                path: network.path, block: network.dialect.name(ofBlock: number, in: stage),
                inputChannels: inputChannels, outputChannels: outputChannels, stride: stride)
        }
        addNode(
            .residual(stage: stage, number: number, .add), .add(.relu), inputs: [end, value])
    }

    /// The global average pool and the linear layer.
    mutating func addHead() {
        addNode(.pool, .globalAveragePool)
        let shape = network.linearWeight.shape
        addNode(
            .linear,
            .linear(
                Linear(
                    parameters: NetworkPlace.linear.name, inputFeatures: shape[1],
                    outputFeatures: shape[0])))
    }

    private mutating func addNode(
        _ place: NetworkPlace, _ operation: Operation, inputs: [String]? = nil
    ) {
        nodes.append(Node(name: place.name, operation: operation, inputs: inputs ?? [value]))
        value = place.name
    }

    private mutating func add(
        _ block: RecognizedBlock, stride: Int, activation: Activation
    ) throws(TrainingError) {
        let geometry = block.geometry
        if block.hasIdentity, stride != 1 || geometry.inputChannels != geometry.outputChannels {
            throw .identityBranch(
                path: network.path, block: network.dialect.name(of: block.place),
                inputChannels: geometry.inputChannels, outputChannels: geometry.outputChannels,
                stride: stride)
        }
        let name = block.place.name
        let convolution = Convolution(
            parameters: "\(name).\(block.foldedName)", inputChannels: geometry.inputChannels,
            outputChannels: geometry.outputChannels, kernel: geometry.kernel, stride: stride,
            padding: geometry.kernel / 2, groups: geometry.groups, activation: activation)
        addNode(block.place, .convolution(convolution))
        blocks.append(
            TrainingBlock(
                path: network.path, name: name, kind: block.kind, convolution: convolution,
                foldedName: block.foldedName, batchNormEpsilon: batchNormEpsilon,
                tensors: block.tensors))
    }
}
