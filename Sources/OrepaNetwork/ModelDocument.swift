import OrepaFiles

/// The JSON under `orepa.model` in a model file's metadata, version 1. Unknown keys are ignored, so that a
/// later tool may add to it without a new version.
struct ModelDocument {
    static let knownVersion = 1

    let tool: String
    let family: String
    let blocks: [ByteName: Int]
    let input: Input
    let preprocessing: Preprocessing
    let labels: [String]?
    let source: ModelDescription.Source?
    let verification: VerificationRecord?
    let assumptions: NetworkAssumptions?
    let algorithms: PerNumerics<[ByteName: Algorithm]>?
    let probe: ModelProbe?
    let graph: [GraphNode]

    struct Input {
        let channels: Int
        let height: Int
        let width: Int
    }

    /// One node. Which of the optional fields it has follows from the operation.
    struct GraphNode {
        let name: String
        var operation = ""
        let inputs: [String]
        var parameters: String?
        var inputChannels: Int?
        var outputChannels: Int?
        var kernel: Int?
        var stride: Int?
        var padding: Int?
        var groups: Int?
        var relu: Bool?
    }

    /// How a layer is computed, by the name of its node. `rows` and `columns` are the numbers of Winograd tiles of
    /// one, two, three and four outputs.
    struct Algorithm {
        let name: String
        var rows: [Int]?
        var columns: [Int]?
    }
}

extension ModelDocument.GraphNode {
    init(_ node: Node) {
        self.init(name: node.name, inputs: node.inputs)
        node.operation.definition.write(to: &self)
    }

    /// What stands in a field that the operation has.
    ///
    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` where nothing does.
    func value<Value>(
        _ value: Value?, _ field: String, _ path: String
    ) throws(ModelFileError) -> Value {
        guard let value else {
            throw .malformed(
                path: path, field: "graph.\(name).\(field)", expected: "a value", found: "none")
        }
        return value
    }

    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` naming the missing field or the
    ///   unknown operation.
    func node(path: String) throws(ModelFileError) -> Node {
        guard let reader = Operation.documentReaders.first(where: { $0.name == operation }) else {
            let names = Operation.documentReaders.map(\.name)
            throw .malformed(
                path: path, field: "graph.\(name).operation",
                expected: names.dropLast().joined(separator: ", ") + " or \(names.last!)",
                found: operation)
        }
        return Node(name: name, operation: try reader.read(self, path), inputs: inputs)
    }
}

extension ModelDocument.Algorithm {
    init(_ algorithm: LayerAlgorithm) {
        name = algorithm.name
        if case .winograd(let rows, let columns) = algorithm {
            self.rows = rows.counts
            self.columns = columns.counts
        }
    }

    /// - Parameter field: Where it stands in the document.
    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` naming the unknown algorithm, or the
    ///   tiles that are missing or no numbers of tiles.
    func algorithm(field: String, path: String) throws(ModelFileError) -> LayerAlgorithm {
        func tiles(_ counts: [Int]?, _ name: String) throws(ModelFileError) -> WinogradTiles {
            guard let counts, WinogradTiles.areValid(counts) else {
                throw .malformed(
                    path: path, field: "\(field).\(name)",
                    expected: "the numbers of tiles of 1, 2, 3 and 4 outputs",
                    found: counts.map { "\($0)" } ?? "none")
            }
            return WinogradTiles(counts: counts)
        }
        switch name {
        case "direct": return .direct
        case "grouped": return .grouped
        case "stem": return .stem
        case "winograd":
            return .winograd(
                rows: try tiles(rows, "rows"), columns: try tiles(columns, "columns"))
        default:
            throw .malformed(
                path: path, field: "\(field).name",
                expected: "direct, grouped, stem or winograd", found: name)
        }
    }
}

extension ModelDocument {
    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` naming the layer.
    func layerAlgorithms(
        path: String
    ) throws(ModelFileError) -> PerNumerics<[ByteName: LayerAlgorithm]>? {
        guard let algorithms else { return nil }
        func read(_ numerics: Numerics) throws(ModelFileError) -> [ByteName: LayerAlgorithm] {
            var result: [ByteName: LayerAlgorithm] = [:]
            // In order, so that of several faults it is always the same one that is named.
            for (layer, algorithm) in algorithms[numerics].sorted(by: { $0.key < $1.key }) {
                result[layer] = try algorithm.algorithm(
                    field: "algorithms.\(numerics.rawValue).\(layer.text)", path: path)
            }
            return result
        }
        return PerNumerics(fast: try read(.fast), strict: try read(.strict))
    }
}
