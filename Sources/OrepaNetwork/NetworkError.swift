import OrepaFiles

/// Why a network cannot be built, or cannot be run on an input of some size.
public enum NetworkError: Error, Hashable, Sendable {
    case lastNodeNotLinear(name: String?)
    case linearNotLast(name: String)
    case linearNotPooled(name: String)
    case duplicateNode(name: String)
    case unusedNode(name: String)
    case unknownInput(node: String, input: String)
    case inputCount(node: String, expected: Int, found: Int)
    case channels(node: String, expected: Int, found: Int)
    case invalid(node: String, what: String, found: Int)
    case missingTensor(name: String, expected: [Int])
    case tensorShape(name: String, expected: [Int], found: [Int])
    case duplicateParameters(name: String)
    case unknownTensor(name: String)
    case inputTooSmall(node: String, input: Shape)
    case sumOfShapes(node: String, first: Shape, second: Shape)
    case tooLarge(node: String)
    case sumTooLong(node: String)
}

extension NetworkError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .lastNodeNotLinear(let name):
            "expected the last node to be linear, found \(name.map { "`\($0)`" } ?? "no node")"
        case .linearNotLast(let name):
            "expected `\(name)` to be the last node, since it is linear"
        case .linearNotPooled(let name):
            "expected `\(name)` to read a global average pool, since it is linear"
        case .duplicateNode(let name): "expected unique node names, found `\(name)` twice"
        case .unusedNode(let name): "expected every node to be used, nothing reads `\(name)`"
        case .unknownInput(let node, let input):
            "`\(node)` reads `\(input)`, which is neither the input nor an earlier node"
        case .inputCount(let node, let expected, let found):
            "`\(node)`: expected \(expected) inputs, found \(found)"
        case .channels(let node, let expected, let found):
            "`\(node)`: expected an input of \(expected) channels, found \(found)"
        case .invalid(let node, let what, let found):
            "`\(node)`: \(what) cannot be \(found)"
        case .missingTensor(let name, let expected):
            "tensor `\(name)` is missing, expected shape \(expected)"
        case .tensorShape(let name, let expected, let found):
            "tensor `\(name)`: expected shape \(expected), found \(found)"
        case .duplicateParameters(let name):
            "expected unique parameter names, found `\(name)` twice"
        case .unknownTensor(let name): "tensor `\(name)` belongs to no node"
        case .inputTooSmall(let node, let input): "`\(node)`: an input of \(input) is too small"
        case .sumOfShapes(let node, let first, let second):
            "`\(node)`: cannot add \(first) and \(second)"
        case .tooLarge(let node):
            "`\(node)`: more weights than \(Graph.largestTensor) or a feature map of more than "
                + "\(Graph.largestFeatureMap) elements"
        case .sumTooLong(let node):
            "`\(node)`: expected sums of at most \(Graph.longestSum) products, counting those that fill up "
                + "blocks of 16 channels, found longer ones"
        }
    }
}
