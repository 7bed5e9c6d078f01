import OrepaCheckpoint
import OrepaNetwork

/// Recognises blocks in the order in which they run, each for the channels that the one before gives.
struct NetworkRecognizer {
    private let index: KeyIndex
    private let recognizer: BlockRecognizer
    /// What the next block is given; nil before the first, which is given a picture.
    private var channels: Int?

    init(_ keys: KeyIndex) {
        index = keys
        recognizer = BlockRecognizer(
            path: keys.path, dialect: keys.dialect, strays: keys.strays)
    }

    mutating func block(
        at place: NetworkPlace, kernel: Int? = nil
    ) throws(TrainingError) -> RecognizedBlock {
        guard let tensors = index.blocks[place] else {
            let name = index.dialect.name(of: place)
            throw .missingBlock(
                path: index.path, block: name, nearest: index.nearestStray(to: name))
        }
        let position = BlockPosition(place: place, inputChannels: channels, kernel: kernel)
        let block = try recognizer.block(tensors, at: position)
        channels = block.geometry.outputChannels
        return block
    }

    /// - Parameter sizes: The number of blocks in each stage.
    mutating func stages(_ sizes: [Int]) throws(TrainingError) -> [[RecognizedNetwork.Unit]] {
        let isBottleneck = index.blocks.keys.contains {
            if case .residual(_, _, .conv3) = $0 { true } else { false }
        }
        var stages: [[RecognizedNetwork.Unit]] = []
        for (stage, size) in sizes.enumerated() {
            var units: [RecognizedNetwork.Unit] = []
            for number in 0..<size {
                if index.dialect.family == .repVGG {
                    units.append(.block(try block(at: .block(stage: stage + 1, number: number))))
                } else {
                    units.append(
                        try residual(
                            stage: stage + 1, number: number, isBottleneck: isBottleneck))
                }
            }
            stages.append(units)
        }
        return stages
    }

    private mutating func residual(
        stage: Int, number: Int, isBottleneck: Bool
    ) throws(TrainingError) -> RecognizedNetwork.Unit {
        let input = channels
        func place(_ part: ResidualPart) -> NetworkPlace {
            .residual(stage: stage, number: number, part)
        }
        var branch = [try block(at: place(.conv1), kernel: isBottleneck ? 1 : nil)]
        branch.append(try block(at: place(.conv2)))
        if isBottleneck { branch.append(try block(at: place(.conv3), kernel: 1)) }
        guard index.blocks[place(.shortcut)] != nil else {
            return .residual(branch, shortcut: nil)
        }
        channels = input
        return .residual(branch, shortcut: try block(at: place(.shortcut), kernel: 1))
    }

    /// The linear layer's weight `[classes, features]` and bias.
    func head() throws(TrainingError) -> (weight: CheckpointTensor, bias: CheckpointTensor) {
        let found = index.blocks[.linear] ?? [:]
        let names = KeyIndex.linearNames
        let shape = found[names[0]]?.shape
        let classes =
            shape?.count == 2 ? shape![0] : found[names[1]]?.shape.first ?? 1
        func tensor(_ name: String, _ shape: [Int]) throws(TrainingError) -> CheckpointTensor {
            // Never nil: neither tensor is one that can be recomputed.
            try recognizer.check(
                found[name], ExpectedTensor(name: name, shape: shape), at: .linear,
                kind: nil)!
        }
        return (
            try tensor(names[0], [classes, channels ?? 0]), try tensor(names[1], [classes])
        )
    }
}
