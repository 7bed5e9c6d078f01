import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// A checkpoint's tensors sorted by the block that they belong to.
struct KeyIndex {
    let family: Family
    /// Tensors by block prefix, then by their names under it.
    private(set) var blocks: [ByteName: [ByteName: CheckpointTensor]] = [:]
    /// For each stage after `stage0` that has any tensor, the numbers of its blocks, ascending.
    private(set) var stages: [Int: [Int]] = [:]
    private(set) var linear: [ByteName: CheckpointTensor] = [:]
    /// Keys that can belong to no block of the family, in the file's order.
    private(set) var strays: [String] = []
    /// The modules before the first stage that have a convolution's weight.
    private(set) var stemConvolutions: Set<ByteName> = []

    /// Ten times those of the deepest networks that anybody has published.
    static let mostBlocks = 10_000

    static let residualParts = ["conv1", "conv2", "conv3", "shortcut"]

    init(_ checkpoint: Checkpoint) throws(TrainingError) {
        let names = checkpoint.tensors.map(\.name)
        if names.contains(where: { $0.utf8.starts(with: "stage0.conv1.".utf8) }) {
            family = .resNet
        } else if names.contains(where: { $0.utf8.starts(with: "stage0.".utf8) }) {
            family = .repVGG
        } else {
            throw .unknownFamily(
                path: checkpoint.path, expected: ["stage0.", "stage0.conv1."],
                found: Array(names.prefix(5)))
        }
        var numbers: [Int: Set<Int>] = [:]
        // A deployed model's packed weights say nothing that its plain ones do not.
        for tensor in checkpoint.tensors
        where !ByteName(tensor.name).hasPrefix(ModelFile.packedPrefix) {
            let parts = KeyIndex.parts(of: tensor.name)
            // How many weights an average is of, as PyTorch's AveragedModel counts them.
            if tensor.name == "n_averaged", tensor.elementCount == 1 { continue }
            if tensor.shape.count == 4, let module = KeyIndex.stemConvolution(parts) {
                stemConvolutions.insert(ByteName(module))
            }
            if parts.count == 2, parts[0] == "linear", ["weight", "bias"].contains(parts[1]) {
                linear[String(parts[1])] = tensor
                continue
            }
            guard let (depth, numbering) = location(parts), depth < parts.count else {
                strays.append(tensor.name)
                continue
            }
            if let (stage, block) = numbering { numbers[stage, default: []].insert(block) }
            let prefix = parts[..<depth].joined(separator: ".")
            let name = parts[depth...].joined(separator: ".")
            blocks[ByteName(prefix), default: [:]][ByteName(name)] = tensor
        }
        guard blocks.count <= KeyIndex.mostBlocks else {
            throw .tooManyBlocks(
                path: checkpoint.path, limit: KeyIndex.mostBlocks, found: blocks.count)
        }
        stages = numbers.mapValues { $0.sorted() }
    }

    /// The parts of a key, between its dots; a dot is its byte, whatever combines with it.
    private static func parts(of key: String) -> [Substring] {
        key.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    /// How many of a key's parts are its block's prefix, and the stage and block that they number.
    private func location(_ parts: [Substring]) -> (depth: Int, (stage: Int, block: Int)?)? {
        guard parts[0].hasPrefix("stage"), let stage = number(parts[0].dropFirst(5)) else {
            return nil
        }
        if stage == 0 {
            guard family != .repVGG else { return (1, nil) }
            return parts.count > 1 && parts[1] == "conv1" ? (2, nil) : nil
        }
        guard parts.count > 1, let block = number(parts[1]) else { return nil }
        guard family != .repVGG else { return (2, (stage, block)) }
        guard parts.count > 2, KeyIndex.residualParts.contains(String(parts[2])) else { return nil }
        return (3, (stage, block))
    }

    /// A decimal number as PyTorch writes it: no sign, no leading zero.
    private func number(_ text: Substring) -> Int? {
        guard let value = Int(text), value >= 0, String(value) == text else { return nil }
        return value
    }
}
