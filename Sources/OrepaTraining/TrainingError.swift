import OrepaFiles
import OrepaNetwork
import OrepaSafetensors

/// Why a checkpoint cannot be understood as a training-time network.
public enum TrainingError: Error, Hashable, Sendable {
    /// No key begins as every network's first block does. `found` holds the first keys of the file.
    case unknownFamily(path: String, expected: [String], found: [String])
    /// A block of which no tensor is there. `nearest` is the unknown key that resembles it, if one does.
    case missingBlock(path: String, block: String, nearest: String?)
    /// Stages and their blocks are numbered without gaps, `found` is there and `missing` is not.
    case gap(path: String, missing: String, found: String)
    /// None of the names under the block's prefix belongs to a block of any kind.
    case unknownBlock(path: String, block: String, found: [String])
    /// A key that belongs to no block, or not to a block of this kind.
    case unknownKey(path: String, key: String, block: String?, kind: BlockKind?, nearest: String?)
    /// A key that a block needs. `nearest` is the unknown key that resembles it, if one does.
    case missingKey(
        path: String, key: String, block: String?, kind: BlockKind?, expected: [Int]?,
        nearest: String?)
    /// A tensor has not the shape that the block's other tensors ask for.
    case shape(path: String, key: String, expected: [Int], found: [Int])
    /// A convolution's weight is not `[O, I / groups, k, k]` for the `I` channels that it is given.
    /// `expected` says so in words.
    case convolutionShape(path: String, key: String, expected: String, found: [Int])
    /// A parameter's elements are not floating-point numbers.
    case elementType(path: String, key: String, found: ElementType)
    /// An identity branch where the block changes the shape of its input.
    case identityBranch(
        path: String, block: String, inputChannels: Int, outputChannels: Int, stride: Int)
    /// A residual block changes the shape of its input and has no shortcut.
    case missingShortcut(
        path: String, block: String, inputChannels: Int, outputChannels: Int, stride: Int)
    /// The keys are of more blocks than the limit.
    case tooManyBlocks(path: String, limit: Int, found: Int)
    /// Not as many strides as the network has stages and a first convolution, which `stem` is, or strides that it cannot
    /// have. `expected` are the published ones.
    case strides(path: String, family: Family, stem: String, expected: [Int], found: [Int])
    /// A ResNet's first kernel of `kernel` pixels is too small to tell which stem it is part of.
    case ambiguousStem(path: String, kernel: Int)
    /// A ResNet that begins with several convolutions, instead of with `expected` alone.
    case deepStem(path: String, expected: String, firstStage: String, convolutions: [String])
    /// A ResNet's stem is asked of a RepVGG, of which `block` is the first.
    case stemOfRepVGG(path: String, block: String, found: NetworkAssumptions.Stem)
    /// A batch norm's epsilon that is not above 0, or no finite number.
    case batchNormEpsilon(path: String, found: Double)
    /// The blocks do not make a network.
    case network(path: String, NetworkError)
}

extension TrainingError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .unknownFamily(let path, let expected, let found):
            "\(path): fits no known family of networks: expected keys that begin with "
                + expected.map { "`\($0)`" }.joined(separator: " or ") + ", found "
                + (found.isEmpty ? "no tensors" : found.map(\.quoted).joined(separator: ", "))
        case .missingBlock(let path, let block, let nearest):
            "\(path): block \(block.quoted) is missing"
                + (nearest.map { "; the nearest unknown key found is \($0.quoted)" } ?? "")
        case .gap(let path, let missing, let found):
            "\(path): block \(missing.quoted) is missing; expected since \(found.quoted) is there"
        case .unknownBlock(let path, let block, let found):
            "\(path): block \(block.quoted) is of no known kind: expected the tensors of one of "
                + BlockKind.allCases.map(\.rawValue).joined(separator: ", ") + ", found "
                + found.map(\.quoted).joined(separator: ", ")
        case .unknownKey(let path, let key, let block, let kind, let nearest):
            "\(path): unknown key \(key.quoted)\(place(block, kind))"
                + (nearest.map { "; the nearest expected is \($0.quoted)" } ?? "")
        case .missingKey(let path, let key, let block, let kind, let expected, let nearest):
            "\(path): key \(key.quoted) is missing\(place(block, kind))"
                + (expected.map { "; expected a tensor of shape \($0)" } ?? "")
                + (nearest.map { "; the nearest unknown key found is \($0.quoted)" } ?? "")
        case .shape(let path, let key, let expected, let found):
            "\(path): \(key.quoted): expected shape \(expected), found \(found)"
        case .convolutionShape(let path, let key, let expected, let found):
            "\(path): \(key.quoted): expected shape \(expected), found \(found)"
        case .elementType(let path, let key, let found):
            "\(path): \(key.quoted): expected floating-point elements, found \(found.rawValue)"
        case .identityBranch(let path, let block, let inputs, let outputs, let stride):
            "\(path): block \(block.quoted) has an identity branch: expected stride 1 and as many output as "
                + "input channels, found stride \(stride), \(inputs) inputs and \(outputs) outputs; "
                + "strides are no part of a checkpoint, --strides says them"
        case .missingShortcut(let path, let block, let inputs, let outputs, let stride):
            "\(path): block \(block.quoted) has no shortcut: expected stride 1 and as many output as "
                + "input channels, found stride \(stride), \(inputs) inputs and \(outputs) outputs; "
                + "strides are no part of a checkpoint, --strides says them"
        case .tooManyBlocks(let path, let limit, let found):
            "\(path): expected a network of at most \(limit) blocks, found \(found)"
        case .strides(let path, let family, let stem, let expected, let found):
            "\(path): strides: expected \(expected.count) numbers of "
                + "\(NetworkOptions.possibleStrides.lowerBound) to "
                + "\(NetworkOptions.possibleStrides.upperBound) for a \(family.rawValue) of "
                + "\(expected.count - 1) stages (of `\(stem)`, then of the first block of each stage; "
                + "published \(list(expected))), found "
                + list(found)
        case .ambiguousStem(let path, let kernel):
            "\(path): the first convolution is \(kernel)x\(kernel), of which there are two kinds that a "
                + "checkpoint does not tell apart: --stem imagenet means stride 2 and a 3x3 max pool of stride 2 "
                + "behind it, --stem small means stride 1 and no pool, as for pictures of 32x32; "
                + "expected one of the two, found none"
        case .deepStem(let path, let expected, let firstStage, let convolutions):
            "\(path): a deep stem is not supported: expected one convolution `\(expected)` before `\(firstStage)`, "
                + "found \(convolutions.count): "
                + convolutions.prefix(8).map(\.quoted).joined(separator: ", ")
        case .stemOfRepVGG(let path, let block, let found):
            "\(path): stem: expected none for a RepVGG, whose `\(block)` is a block with a stride of its own "
                + "(the first of --strides), found \(found.rawValue)"
        case .batchNormEpsilon(let path, let found):
            "\(path): batch norm epsilon: expected a finite number above 0, found \(found)"
        case .network(let path, let error): "\(path): \(error)"
        }
    }
}

private func place(_ block: String?, _ kind: BlockKind?) -> String {
    guard let block else { return "" }
    return " in " + (kind.map { "\($0.rawValue) " } ?? "") + "block \(block.quoted)"
}

/// Strides as options have them.
private func list(_ strides: [Int]) -> String {
    strides.isEmpty ? "none" : strides.map(String.init).joined(separator: ",")
}
