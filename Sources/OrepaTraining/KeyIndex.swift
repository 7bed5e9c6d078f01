import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// A checkpoint's tensors sorted by the place in the network that they belong to.
struct KeyIndex {
    let path: String
    let dialect: Dialect
    /// Tensors by place, then by their names within the block there.
    private(set) var blocks: [NetworkPlace: [ByteName: CheckpointTensor]] = [:]
    /// For each stage that has any tensor, the numbers of its blocks, ascending.
    private(set) var stages: [Int: [Int]] = [:]
    /// Keys that can belong to no block of the family, in the file's order.
    private(set) var strays: [String] = []

    /// Ten times those of the deepest networks that anybody has published.
    static let mostBlocks = 10_000

    /// The names of the linear layer's tensors.
    static let linearNames = ["weight", "bias"]

    init(_ checkpoint: Checkpoint) throws(TrainingError) {
        path = checkpoint.path
        dialect = try KeyIndex.dialect(of: checkpoint)
        var numbers: [Int: Set<Int>] = [:]
        var stemConvolutions: Set<ByteName> = []
        // A deployed model's packed weights say nothing that its plain ones do not.
        for tensor in checkpoint.tensors
        where !ByteName(tensor.name).hasPrefix(ModelFile.packedPrefix) {
            // How many weights an average is of, as PyTorch's AveragedModel counts them.
            if tensor.name == "n_averaged", tensor.elementCount == 1 { continue }
            let key = KeyIndex.parts(of: tensor.name)
            if tensor.shape.count == 4, let module = dialect.stemConvolution(of: key) {
                stemConvolutions.insert(ByteName(module))
            }
            guard let (place, name) = dialect.location(of: key),
                place != .linear || KeyIndex.linearNames.contains(name),
                blocks[place]?[ByteName(name)] == nil
            else {
                strays.append(tensor.name)
                continue
            }
            switch place {
            case .block(let stage, let number), .residual(let stage, let number, _):
                numbers[stage, default: []].insert(number)
            case .repVGGStem, .resNetStem, .stemPool, .pool, .linear: break
            }
            blocks[place, default: [:]][ByteName(name)] = tensor
        }
        let blockCount = blocks.keys.count { $0 != .linear }
        guard blockCount <= KeyIndex.mostBlocks else {
            throw .tooManyBlocks(path: path, limit: KeyIndex.mostBlocks, found: blockCount)
        }
        stages = numbers.mapValues { $0.sorted() }
        if stemConvolutions.count > 1,
            let residual = KeyIndex.residualDialect(of: checkpoint, dialect)
        {
            throw .deepStem(
                path: path, expected: residual.stem, firstStage: residual.name(ofStage: 1),
                convolutions: stemConvolutions.map(\.text).sorted())
        }
    }

    /// The dialect whose mark the checkpoint has.
    private static func dialect(of checkpoint: Checkpoint) throws(TrainingError) -> Dialect {
        let keys = checkpoint.tensors.lazy.map { parts(of: $0.name) }
        let fitting = Dialect.all.filter { dialect in keys.contains { dialect.isMarked(by: $0) } }
        guard let best = fitting.max(by: { $0.firstMark.utf8.count < $1.firstMark.utf8.count })
        else {
            throw .unknownFamily(
                path: checkpoint.path, expected: Dialect.all.map { "\($0.firstMark)." },
                found: checkpoint.tensors.prefix(5).map(\.name))
        }
        return best
    }

    /// The dialect that names residual blocks as the checkpoint does; nil where it has none. Its stem may be named as a
    /// RepVGG's all the same.
    private static func residualDialect(
        of checkpoint: Checkpoint, _ dialect: Dialect
    ) -> Dialect? {
        guard dialect.family == .repVGG else { return dialect }
        return Dialect.all.first { other in
            other.family != .repVGG
                && checkpoint.tensors.contains { other.isResidual(parts(of: $0.name)) }
        }
    }

    /// The parts of a key, between its dots; a dot is its byte, whatever combines with it. More than any dialect
    /// tells apart stay together.
    private static func parts(of key: String) -> [Substring] {
        key.utf8.split(separator: UInt8(ascii: "."), maxSplits: 8, omittingEmptySubsequences: false)
            .map { Substring($0) }
    }
}
