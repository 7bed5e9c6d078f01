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
        let operation: String
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
        switch node.operation {
        case .convolution(let convolution):
            self.init(
                name: node.name, operation: "convolution", inputs: node.inputs,
                parameters: convolution.parameters, inputChannels: convolution.inputChannels,
                outputChannels: convolution.outputChannels, kernel: convolution.kernel,
                stride: convolution.stride, padding: convolution.padding,
                groups: convolution.groups,
                relu: convolution.relu)
        case .maxPool(let pool):
            self.init(
                name: node.name, operation: "max_pool", inputs: node.inputs, kernel: pool.kernel,
                stride: pool.stride, padding: pool.padding)
        case .addReLU: self.init(name: node.name, operation: "add_relu", inputs: node.inputs)
        case .globalAveragePool:
            self.init(name: node.name, operation: "global_average_pool", inputs: node.inputs)
        case .linear(let linear):
            self.init(
                name: node.name, operation: "linear", inputs: node.inputs,
                parameters: linear.parameters, inputChannels: linear.inputFeatures,
                outputChannels: linear.outputFeatures)
        }
    }

    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` naming the missing field or the
    ///   unknown operation.
    func node(path: String) throws(ModelFileError) -> Node {
        func field<Value>(_ value: Value?, _ field: String) throws(ModelFileError) -> Value {
            guard let value else {
                throw .malformed(
                    path: path, field: "graph.\(name).\(field)", expected: "a value", found: "none")
            }
            return value
        }
        let operation: Operation
        switch self.operation {
        case "convolution":
            operation = .convolution(
                Convolution(
                    parameters: try field(parameters, "parameters"),
                    inputChannels: try field(inputChannels, "input_channels"),
                    outputChannels: try field(outputChannels, "output_channels"),
                    kernel: try field(kernel, "kernel"), stride: try field(stride, "stride"),
                    padding: try field(padding, "padding"), groups: try field(groups, "groups"),
                    relu: try field(relu, "relu")))
        case "max_pool":
            operation = .maxPool(
                MaxPool(
                    kernel: try field(kernel, "kernel"), stride: try field(stride, "stride"),
                    padding: try field(padding, "padding")))
        case "add_relu": operation = .addReLU
        case "global_average_pool": operation = .globalAveragePool
        case "linear":
            operation = .linear(
                Linear(
                    parameters: try field(parameters, "parameters"),
                    inputFeatures: try field(inputChannels, "input_channels"),
                    outputFeatures: try field(outputChannels, "output_channels")))
        default:
            throw .malformed(
                path: path, field: "graph.\(name).operation",
                expected: "convolution, max_pool, add_relu, global_average_pool or linear",
                found: self.operation)
        }
        return Node(name: name, operation: operation, inputs: inputs)
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
