import OrepaCheckpoint
import OrepaFiles
import OrepaJSON
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import OrepaTraining

/// What `inspect` tells about a file: facts in order, and the layers.
struct Inspection {
    /// A name for people, the key for programs, and the value for each.
    private struct Fact {
        let title: String
        /// nil where another fact holds it.
        let key: String?
        let text: String?
        let json: JSONValue
    }

    private struct Layer {
        let name: String
        let operation: String
        let block: String?
        let details: String
        let output: Shape
        let parameters: Int
        let multiplyAccumulates: Int
    }

    private var facts: [Fact] = []
    private var layers: [Layer] = []
    private var labels: [String]?

    init(_ model: ModelFile, path: String, inputSize: Int?) throws(Failure) {
        let description = model.description
        let size = inputSize ?? description.preprocessing.crop
        add("file", "file", path)
        add("kind", "kind", "deployed model", json: .string("model"))
        addNetwork(
            family: description.family, blocks: description.blocks, graph: model.network.graph,
            size: size)
        let preprocessing = description.preprocessing
        add(
            "preprocessing", "preprocessing",
            "resize \(preprocessing.resize), crop \(preprocessing.crop), "
                + "mean \(Inspection.list(preprocessing.mean)), std \(Inspection.list(preprocessing.std)), "
                + preprocessing.interpolation.rawValue,
            json: Inspection.json(preprocessing))
        labels = description.labels
        add(
            "source", "source",
            description.source.map { "\($0.name), SHA-256 \($0.sha256)" } ?? "not recorded",
            json: description.source.map {
                .object([("name", .string($0.name)), ("sha256", .string($0.sha256))])
            } ?? .null)
        addVerification(description.verification)
        addAssumptions(description.assumptions, given: nil)
        addAlgorithms(description.algorithms)
        add(
            "probe", "probe", description.probe.map { "picture of seed \($0.seed)" } ?? "none",
            json: description.probe.map { .object([("seed", .string("\($0.seed)"))]) } ?? .null)
        add("written by", "tool", description.tool)
        try addLayers(of: model.network.graph, blocks: [:], size: size, path: path)
        try addMemory(of: model, size: size)
    }

    init(
        _ checkpoint: Checkpoint, _ network: TrainingNetwork, inputSize: Int, given: [String],
        warnings: [String]
    ) throws(Failure) {
        add("file", "file", checkpoint.path)
        add("kind", "kind", "training checkpoint", json: .string("checkpoint"))
        add("container", "container", checkpoint.format.rawValue)
        add("location", "location", nil, json: .optional(checkpoint.location))
        let trainingParameters = checkpoint.tensors.reduce(0) { $0 + $1.elementCount }
        add(
            "training tensors", "training_tensors",
            "\(checkpoint.tensors.count), \(Inspection.grouped(trainingParameters)) values",
            json: .object([
                ("count", .integer(checkpoint.tensors.count)),
                ("values", .integer(trainingParameters)),
            ]))
        var kinds: [ByteName: Int] = [:]
        for block in network.blocks { kinds[ByteName(block.kind.rawValue), default: 0] += 1 }
        addNetwork(
            family: network.family.rawValue, blocks: kinds, graph: network.graph, size: inputSize)
        addAssumptions(
            network.assumptions(stateDict: checkpoint.location, inputSize: inputSize), given: given)
        add("warnings", "warnings", nil, json: .array(warnings.map(JSONValue.string)))
        let kindByName = Dictionary(
            network.blocks.map { (ByteName($0.name), $0.kind.rawValue) },
            uniquingKeysWith: { first, _ in first })
        try addLayers(
            of: network.graph, blocks: kindByName, size: inputSize, path: checkpoint.path)
    }

    /// Facts, then layers, as aligned columns.
    var table: String {
        let facts = Text.table(
            facts.compactMap { fact in fact.text.map { [fact.title, $0] } }, rightAligned: [])
        let header = ["layer", "operation", "block", "details", "output", "parameters", "MMAC"]
        let rows = layers.map { layer in
            [
                layer.name, layer.operation, layer.block ?? "", layer.details,
                layer.output.description,
                layer.parameters == 0 ? "" : Inspection.grouped(layer.parameters),
                layer.multiplyAccumulates == 0
                    ? "" : Text.fixed(Double(layer.multiplyAccumulates) * 1e-6, 2),
            ]
        }
        var text = facts + "\n" + Text.table([header] + rows, rightAligned: [5, 6])
        if let labels {
            text += "\nlabels (\(labels.count))\n"
            for (index, label) in labels.enumerated() {
                text += "  \(Text.right("\(index)", 4))  \(label.escapedForPrinting())\n"
            }
        }
        return text
    }

    var json: JSONValue {
        var fields = facts.compactMap { fact in fact.key.map { ($0, fact.json) } }
        fields.append(("labels", labels.map { .array($0.map(JSONValue.string)) } ?? .null))
        fields.append(
            (
                "layers",
                .array(
                    layers.map { layer in
                        .object([
                            ("name", .string(layer.name)), ("operation", .string(layer.operation)),
                            ("block", .optional(layer.block)), ("details", .string(layer.details)),
                            (
                                "output",
                                .array(
                                    [
                                        layer.output.channels, layer.output.height,
                                        layer.output.width,
                                    ]
                                    .map(JSONValue.integer))
                            ),
                            ("parameters", .integer(layer.parameters)),
                            ("multiply_accumulates", .integer(layer.multiplyAccumulates)),
                        ])
                    })
            ))
        return .object(fields)
    }

    private mutating func add(
        _ title: String, _ key: String, _ text: String?, json: JSONValue? = nil
    ) {
        facts.append(Fact(title: title, key: key, text: text, json: json ?? .optional(text)))
    }

    private mutating func addNetwork(
        family: String, blocks: [ByteName: Int], graph: Graph, size: Int
    ) {
        add("family", "family", family)
        let counts = blocks.sorted { $0.key < $1.key }
        add(
            "blocks", "blocks", counts.map { "\($0.value) x \($0.key)" }.joined(separator: ", "),
            json: .object(counts.map { ($0.key.text, .integer($0.value)) }))
        add(
            "input", "input", "[N, \(graph.inputChannels), \(size), \(size)]",
            json: .array([graph.inputChannels, size, size].map(JSONValue.integer)))
        add("classes", "classes", "\(graph.classCount)", json: .integer(graph.classCount))
        let shapes = (try? graph.tensorShapes()) ?? []
        let parameters = shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
        add(
            "parameters", "parameters", Inspection.grouped(parameters) + ", folded",
            json: .integer(parameters))
        let products = (try? graph.multiplyAccumulates(height: size, width: size)) ?? []
        let total = products.reduce(0.0) { $0 + Double($1) }
        add(
            "multiply-adds", "multiply_accumulates", Text.fixed(total * 1e-9, 3) + " G",
            json: total < 9e15 ? .integer(Int(total)) : .double(total))
    }

    private mutating func addVerification(_ record: VerificationRecord?) {
        guard let record else {
            add(
                "verification", "verification", "none: the checkpoint was folded already",
                json: .null)
            return
        }
        add(
            "verification", "verification",
            "block error \(Text.scientific(record.blockError)) (\(record.worstBlock)), "
                + "logit error \(Text.scientific(record.logitError))"
                + (record.fastLogitError.map { ", fast \(Text.scientific($0))" } ?? "")
                + ", on a random "
                + "\(record.inputSize)x\(record.inputSize) input",
            json: Inspection.json(record))
    }

    /// - Parameter given: The options that were given; nil where a model file records it all.
    private mutating func addAssumptions(_ assumptions: NetworkAssumptions?, given: [String]?) {
        guard let assumptions else {
            add("assumptions", "assumptions", "not recorded", json: .null)
            return
        }
        for fact in assumptions.facts {
            let remark =
                given.map { $0.contains(fact.option) ? ", given" : ", assumed (\(fact.option))" }
                ?? ""
            facts.append(
                Fact(title: fact.name, key: nil, text: fact.value + remark, json: .null))
        }
        add("assumptions", "assumptions", nil, json: assumptions.json)
    }

    private mutating func addAlgorithms(_ algorithms: PerNumerics<[ByteName: LayerAlgorithm]>?) {
        guard let algorithms else {
            add("algorithms", "algorithms", "not recorded", json: .null)
            return
        }
        let counts = Numerics.allCases.map { numerics in
            var counts: [String: Int] = [:]
            for algorithm in algorithms[numerics].values { counts[algorithm.name, default: 0] += 1 }
            return (numerics.rawValue, counts.sorted { $0.key < $1.key })
        }
        add(
            "algorithms", "algorithms",
            counts.map { numerics, counts in
                numerics + ": " + counts.map { "\($0.value) x \($0.key)" }.joined(separator: ", ")
            }.joined(separator: "; "),
            json: .object(
                counts.map { numerics, counts in
                    (numerics, .object(counts.map { ($0.key, .integer($0.value)) }))
                }))
    }

    /// What running takes on this machine with as many threads as it gives, and what is packed in the file.
    private mutating func addMemory(of model: ModelFile, size: Int) throws(Failure) {
        let threadCount = availableProcessorCount()
        let blueprint: PlanBlueprint
        do {
            blueprint = try PlanBlueprint(
                model, height: size, width: size, threadCount: threadCount)
        } catch { throw Failure(error, planning: model.path) }
        for memory in [PlanMemory.fast, .small] {
            let use = blueprint.memoryUse(memory, threadCount: threadCount)
            let parts = [
                ("packed weights", use.packedWeights), ("feature maps", use.featureMaps),
                ("scratch", use.scratch),
            ].map { "\($0) \(Inspection.megabytes($1))" }.joined(separator: ", ")
            let threads = threadCount == 1 ? "1 thread" : "\(threadCount) threads"
            add(
                "memory, \(memory)", "memory_\(memory)",
                "\(Inspection.megabytes(use.total)): \(parts); \(threads)",
                json: .object([
                    ("packed_weights_bytes", .integer(use.packedWeights)),
                    ("feature_maps_bytes", .integer(use.featureMaps)),
                    ("scratch_bytes", .integer(use.scratch)),
                    ("total_bytes", .integer(use.total)), ("threads", .integer(threadCount)),
                ]))
        }
        var titles: [String] = []
        var parts: [JSONValue] = []
        for name in model.packed.keys.sorted() {
            let byteCount = model.packed[name]!.count * MemoryLayout<Float>.size
            let isUsedHere = name == ByteName(blueprint.packedName)
            titles.append(
                "\(name.text.dropFirst(ModelFile.packedPrefix.count)), "
                    + Inspection.megabytes(byteCount)
                    + (isUsedHere ? ", used here with --trust-packed" : ""))
            parts.append(
                .object([
                    ("name", .string(name.text)), ("bytes", .integer(byteCount)),
                    ("used_here", .bool(isUsedHere)),
                ]))
        }
        add(
            "packed", "packed", titles.isEmpty ? nil : titles.joined(separator: "; "),
            json: .array(parts))
    }

    static func json(_ preprocessing: Preprocessing) -> JSONValue {
        .object([
            ("resize", .integer(preprocessing.resize)), ("crop", .integer(preprocessing.crop)),
            ("mean", .array(preprocessing.mean.map(JSONValue.float))),
            ("std", .array(preprocessing.std.map(JSONValue.float))),
            ("interpolation", .string(preprocessing.interpolation.rawValue)),
        ])
    }

    static func json(_ record: VerificationRecord) -> JSONValue {
        .object([
            ("seed", .string("\(record.seed)")), ("input_size", .integer(record.inputSize)),
            ("block_error", .double(record.blockError)),
            ("worst_block", .string(record.worstBlock)),
            ("block_tolerance", .double(record.blockTolerance)),
            ("logit_error", .double(record.logitError)),
            ("logit_tolerance", .double(record.logitTolerance)),
            ("fast_logit_error", record.fastLogitError.map(JSONValue.double) ?? .null),
        ])
    }

    private static func megabytes(_ byteCount: Int) -> String {
        Text.fixed(Double(byteCount) * 1e-6, 1) + " MB"
    }

    private mutating func addLayers(
        of graph: Graph, blocks: [ByteName: String], size: Int, path: String
    ) throws(Failure) {
        let shapes: [Shape]
        let products: [Int]
        do {
            shapes = try graph.shapes(height: size, width: size)
            products = try graph.multiplyAccumulates(height: size, width: size)
        } catch { throw Failure(.badData, "\(path): an input of \(size)x\(size): \(error)") }
        for (index, node) in graph.nodes.enumerated() {
            var parameters = 0
            let operation: String
            var details = ""
            switch node.operation {
            case .convolution(let convolution):
                operation = "convolution" + convolution.activation.suffix
                details =
                    "\(convolution.kernel)x\(convolution.kernel), \(convolution.inputChannels) to "
                    + "\(convolution.outputChannels)"
                    + (convolution.stride == 1 ? "" : ", stride \(convolution.stride)")
                    + (convolution.groups == 1 ? "" : ", \(convolution.groups) groups")
                parameters = convolution.weightShape.reduce(1, *) + convolution.outputChannels
            case .maxPool(let pool):
                operation = "max pool"
                details = "\(pool.kernel)x\(pool.kernel), stride \(pool.stride)"
            case .add(let activation):
                operation = "add" + activation.suffix
                details = node.inputs.joined(separator: " + ")
            case .globalAveragePool: operation = "global average pool"
            case .linear(let linear):
                operation = "linear"
                details = "\(linear.inputFeatures) to \(linear.outputFeatures)"
                parameters = (linear.inputFeatures + 1) * linear.outputFeatures
            }
            layers.append(
                Layer(
                    name: node.name, operation: operation, block: blocks[ByteName(node.name)],
                    details: details,
                    output: shapes[index], parameters: parameters,
                    multiplyAccumulates: products[index]))
        }
    }

    private static func list(_ values: [Float]) -> String {
        values.map { "\($0)" }.joined(separator: " ")
    }

    /// Digits in groups of three.
    private static func grouped(_ value: Int) -> String {
        let digits = Array(String(value))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }
}
