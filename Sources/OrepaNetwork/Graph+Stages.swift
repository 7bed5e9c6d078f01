/// What a graph shows of the strides and the stem that were assumed when it was made, by the names that conversion gives
/// its nodes.
extension Graph {
    /// Of the first convolution, then of the first block of each stage; nil where the nodes are named otherwise.
    public var stageStrides: [Int]? {
        let firstNames = [NetworkPlace.repVGGStem, .resNetStem].map(\.name)
        guard firstNames.contains(nodes[0].name),
            case .convolution(let first) = nodes[0].operation
        else { return nil }
        var strideByStage: [Int: Int] = [:]
        for node in nodes {
            guard case .convolution(let convolution) = node.operation,
                let stage = NetworkPlace.stage(ofFirstBlock: node.name)
            else { continue }
            // In a residual block one convolution has the block's stride, as the shortcut has, and the others 1.
            strideByStage[stage] = max(strideByStage[stage] ?? 1, convolution.stride)
        }
        var strides = [first.stride]
        while let stride = strideByStage[strides.count] { strides.append(stride) }
        return strides
    }

    /// How a ResNet begins; nil for a RepVGG, and where the nodes are named otherwise.
    public var stem: NetworkAssumptions.Stem? {
        guard nodes[0].name == NetworkPlace.resNetStem.name else { return nil }
        return hasMaxPool ? .imageNet : .small
    }

    /// Whether there is a max pool, which is where a ResNet's stem has it.
    public var hasMaxPool: Bool {
        nodes.contains { if case .maxPool = $0.operation { true } else { false } }
    }
}
