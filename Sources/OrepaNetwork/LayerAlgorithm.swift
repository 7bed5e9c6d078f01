import OrepaFiles

/// How a convolution or linear layer is computed, as far as the bits of its result depend on it. How the kernels of
/// some machine cut the work changes none.
public enum LayerAlgorithm: Sendable, Hashable {
    /// Sums as the operation is defined: any layer.
    case direct
    /// The same for 3x3 convolutions of groups of 4 or 8 channels.
    case grouped
    /// Polyphase Winograd of the 7x7 convolutions that read the picture.
    case stem
    /// Winograd of 3x3 convolutions, with stride 1 or 2: the output's rows and columns are cut into tiles.
    case winograd(rows: WinogradTiles, columns: WinogradTiles)

    /// Channels in and out that a layer has at least whose file may ask for ``winograd(rows:columns:)``.
    public static let leastChannelsOfWinograd = 16

    /// As model files and people call it.
    public var name: String {
        switch self {
        case .direct: "direct"
        case .grouped: "grouped"
        case .stem: "stem"
        case .winograd: "winograd"
        }
    }

    /// Whether a plan with ``Numerics/strict`` may use it.
    public var isStrict: Bool {
        switch self {
        case .direct, .grouped: true
        case .stem, .winograd: false
        }
    }
}

/// The rows or columns of a feature map cut into Winograd tiles; larger ones come first.
public struct WinogradTiles: Sendable, Hashable {
    /// How many tiles of one, two, three and four outputs.
    public let counts: [Int]

    /// No tile is larger.
    public static let largest = 4

    /// - Precondition: `counts` are ``largest`` numbers from 0 to ``Graph/largestFeatureMap``.
    public init(counts: [Int]) {
        precondition(WinogradTiles.areValid(counts), "counts of tiles of 1, 2, 3 and 4 outputs")
        self.counts = counts
    }

    /// Rows or columns that the tiles cover.
    public var outputCount: Int {
        counts.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element }
    }

    static func areValid(_ counts: [Int]) -> Bool {
        counts.count == largest && counts.allSatisfy { 0...Graph.largestFeatureMap ~= $0 }
    }
}

extension PerNumerics<[ByteName: LayerAlgorithm]> {
    /// The first field that does not fit `graph`, whose nodes have outputs of `shapes`, with what was expected and
    /// what it holds; nil when all do. Whether an algorithm takes a layer's kernel is for the plan to say.
    func invalidField(
        for graph: Graph, shapes: [Shape]
    ) -> (name: String, expected: String, found: String)? {
        for numerics in Numerics.allCases {
            var rest = self[numerics]
            for (node, shape) in zip(graph.nodes, shapes) where node.operation.hasWeights {
                let field = "algorithms.\(numerics.rawValue).\(node.name)"
                guard let algorithm = rest.removeValue(forKey: ByteName(node.name)) else {
                    return (field, "an algorithm", "none")
                }
                if numerics == .strict, !algorithm.isStrict {
                    return ("\(field).name", "direct or grouped", algorithm.name)
                }
                guard case .winograd(let rows, let columns) = algorithm else { continue }
                for (name, tiles, size) in [
                    ("rows", rows, shape.height), ("columns", columns, shape.width),
                ] where tiles.outputCount != size {
                    return (
                        "\(field).\(name)", "tiles that add up to \(size)", "\(tiles.outputCount)"
                    )
                }
            }
            if let unknown = rest.keys.min() {
                return (
                    "algorithms.\(numerics.rawValue)",
                    "convolutions and linear layers of the graph",
                    unknown.text
                )
            }
        }
        return nil
    }
}
