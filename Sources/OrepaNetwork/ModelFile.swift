import OrepaFiles
import OrepaSafetensors
import OrepaSystem

/// A deployed model: a plain network and what is known about it, as one `.safetensors` file holds them.
///
/// The file opens in any safetensors reader: tensors under the published folded names, Float32, and the
/// metadata `format` ("pt") and `orepa.model` (a JSON document: graph, algorithms, preprocessing, labels, origin,
/// verification, probe).
public struct ModelFile: Sendable {
    /// The plain network, its weights in the file that it was read from.
    public let network: Network
    /// Preprocessing, labels, origin.
    public let description: ModelDescription
    /// Where it was read from, for messages.
    public let path: String
    /// The weights once more, in forms that kernels read: by name, which begins with ``packedPrefix``, flat. What
    /// follows in a name and the order of the values is for those who pack to decide.
    public var packed: [ByteName: Tensor] = [:]

    /// With what the names of ``packed`` tensors begin; no parameter's name does.
    public static let packedPrefix = "orepa.packed."

    /// Under which a file's metadata has the JSON document; a file that has it claims to be a model.
    public static let metadataKey = "orepa.model"

    /// Whether `file` claims to be a model, sound or not.
    package static func isClaimed(by file: FileBytes) -> Bool {
        guard let tensors = try? SafetensorsFile(file) else { return false }
        return tensors.metadata[metadataKey] != nil
    }

    /// - Throws: ``ModelFileError/malformed(path:field:expected:found:)`` when labels, preprocessing, assumptions and
    ///   network do not belong together, ``ModelFileError/network(path:_:)`` when the network does not take a
    ///   picture of the crop's size; `path` is for the message.
    public init(
        network: Network, description: ModelDescription, path: String = "model"
    ) throws(ModelFileError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        if let invalid = description.preprocessing.invalidField(
            channels: network.graph.inputChannels)
        {
            throw .malformed(
                path: path, field: "preprocessing.\(invalid.name)", expected: invalid.expected,
                found: invalid.found)
        }
        if let labels = description.labels, labels.count != network.graph.classCount {
            throw .malformed(
                path: path, field: "labels", expected: "\(network.graph.classCount) names",
                found: "\(labels.count)")
        }
        if let record = description.verification,
            let error = [
                record.blockError, record.logitError, record.blockTolerance, record.logitTolerance,
                record.fastLogitError ?? 0,
            ].first(where: { !$0.isFinite })
        {
            throw .malformed(
                path: path, field: "verification", expected: "finite errors and tolerances",
                found: "\(error)")
        }
        let crop = description.preprocessing.crop
        if let invalid = description.assumptions?.invalidField(for: network.graph, crop: crop) {
            throw .malformed(
                path: path, field: "assumptions.\(invalid.name)", expected: invalid.expected,
                found: invalid.found)
        }
        let shapes: [Shape]
        do { shapes = try network.graph.shapes(height: crop, width: crop) } catch {
            throw .network(path: path, error)
        }
        if let invalid = description.algorithms?.invalidField(for: network.graph, shapes: shapes)
            ?? description.probe?.invalidField(classCount: network.graph.classCount)
        {
            throw .malformed(
                path: path, field: invalid.name, expected: invalid.expected, found: invalid.found)
        }
        self.path = path
        self.network = network
        self.description = description
    }

    /// Reads the model in the file at `path`, mapped into memory: weights are used where they are.
    public init(path: String) throws(ModelFileError) { try self.init(path: RawPath(path)) }

    /// The same for a path that need not be UTF-8.
    public init(path: RawPath) throws(ModelFileError) {
        let file: FileBytes
        do { file = try FileBytes(mapping: path) } catch { throw .file(error) }
        try self.init(file)
    }

    /// Reads the model in `file`. Weights stay in it; one whose place is no multiple of 4 bytes, which
    /// another program's file may have, is copied.
    public init(_ file: FileBytes) throws(ModelFileError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let path = file.path
        if let format = ForeignFormat(of: file) { throw .otherFormat(path: path, format) }
        let tensors: SafetensorsFile
        do { tensors = try SafetensorsFile(file) } catch { throw .safetensors(error) }
        guard let json = tensors.metadata[ByteName(ModelFile.metadataKey)] else {
            throw .notAModel(path: path)
        }
        let document = try ModelDocument(parsing: json, path: path)
        var nodes: [Node] = []
        for node in document.graph { nodes.append(try node.node(path: path)) }
        var tensorByName: [ByteName: Tensor] = [:]
        var packed: [ByteName: Tensor] = [:]
        for entry in tensors.entries {
            guard entry.elementType == .float32 else {
                throw .malformed(
                    path: path, field: entry.name, expected: "F32",
                    found: entry.elementType.rawValue)
            }
            let tensor: Tensor
            if let borrowed = Tensor(borrowing: entry, of: tensors) {
                tensor = borrowed
            } else {
                do throws(MemoryRefusal) {
                    try SystemMemory.check(byteCount: entry.range.count)
                } catch {
                    throw .file(.outOfMemory(path: path, byteCount: error.byteCount))
                }
                tensor = Tensor(copying: entry, of: tensors)
            }
            if entry.name.hasPrefix(ModelFile.packedPrefix) {
                packed[ByteName(entry.name)] = tensor
            } else {
                tensorByName[ByteName(entry.name)] = tensor
            }
        }
        let network: Network
        do {
            let graph = try Graph(inputChannels: document.input.channels, nodes: nodes)
            network = try Network(graph: graph, tensors: tensorByName)
        } catch { throw .network(path: path, error) }
        let crop = document.preprocessing.crop
        guard document.input.height == crop, document.input.width == crop else {
            throw .malformed(
                path: path, field: "input", expected: "height and width \(crop), as the crop",
                found: "\(document.input.height) and \(document.input.width)")
        }
        try self.init(
            network: network,
            description: ModelDescription(
                family: document.family, blocks: document.blocks,
                preprocessing: document.preprocessing, labels: document.labels,
                source: document.source, verification: document.verification,
                assumptions: document.assumptions,
                algorithms: try document.layerAlgorithms(path: path), probe: document.probe,
                tool: document.tool),
            path: path)
        self.packed = packed
    }

    /// The JSON document under `orepa.model`.
    var document: String {
        let crop = description.preprocessing.crop
        return ModelDocument(
            tool: description.tool, family: description.family,
            blocks: description.blocks,
            input: .init(channels: network.graph.inputChannels, height: crop, width: crop),
            preprocessing: description.preprocessing, labels: description.labels,
            source: description.source, verification: description.verification,
            assumptions: description.assumptions,
            algorithms: description.algorithms.map {
                PerNumerics(
                    fast: $0.fast.mapValues(ModelDocument.Algorithm.init),
                    strict: $0.strict.mapValues(ModelDocument.Algorithm.init))
            }, probe: description.probe,
            graph: network.graph.nodes.map(ModelDocument.GraphNode.init)
        ).text
    }
}
