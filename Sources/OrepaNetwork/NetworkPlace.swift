/// A place in a network, by which conversion names the graph's node there: in the words of the published training
/// code, whatever the checkpoint's author calls its modules. Stages count from 1, their blocks from 0.
package enum NetworkPlace: Sendable, Hashable {
    /// A RepVGG's first block.
    case repVGGStem
    /// A ResNet's first convolution.
    case resNetStem
    /// The max pool behind it.
    case stemPool
    /// Another block of a RepVGG.
    case block(stage: Int, number: Int)
    /// Part of a residual block.
    case residual(stage: Int, number: Int, ResidualPart)
    /// The global average pool.
    case pool
    case linear

    package var name: String {
        switch self {
        case .repVGGStem: "stage0"
        case .resNetStem: "stage0.conv1"
        case .stemPool: "stage0.maxpool"
        case .block(let stage, let number): "stage\(stage).\(number)"
        case .residual(let stage, let number, let part): "stage\(stage).\(number).\(part.rawValue)"
        case .pool: "pool"
        case .linear: "linear"
        }
    }

    /// 2 for the names of `stage2.0` and of whatever is in it.
    static func stage(ofFirstBlock name: String) -> Int? {
        let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1, parts[1] == "0", parts[0].hasPrefix("stage"),
            let stage = Int(parts[0].dropFirst("stage".count)), parts[0] == "stage\(stage)"
        else { return nil }
        return stage
    }
}

/// What a residual block is made of. A basic block has two convolutions, a bottleneck three.
package enum ResidualPart: String, Sendable, CaseIterable {
    case conv1, conv2, conv3
    /// The convolution beside them, where the block changes the shape of its input.
    case shortcut
    /// The sum of the two, and the ReLU behind it.
    case add
}
