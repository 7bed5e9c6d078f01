import OrepaJSON

extension ModelDocument {
    /// Reads the document of the file at `path`.
    ///
    /// - Throws: ``ModelFileError/newerVersion(path:known:found:)``, and
    ///   ``ModelFileError/malformed(path:field:expected:found:)`` naming the field.
    init(parsing text: String, path: String) throws(ModelFileError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: text) } catch {
            throw .malformed(
                path: path, field: ModelFile.metadataKey,
                expected: "\(error.expected) at byte \(error.offset)", found: error.found)
        }
        let version: Int
        // By itself first, since a newer document may have another shape.
        do { version = try DocumentObject(json).value("version") } catch {
            throw error.inFile(path)
        }
        guard version <= ModelDocument.knownVersion else {
            throw .newerVersion(path: path, known: ModelDocument.knownVersion, found: version)
        }
        guard version == ModelDocument.knownVersion else {
            throw .malformed(
                path: path, field: "version", expected: "\(ModelDocument.knownVersion)",
                found: "\(version)")
        }
        do { try self.init(reading: json) } catch { throw error.inFile(path) }
    }
}

extension ModelDocument: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        tool = try object.value("tool")
        family = try object.value("family")
        blocks = try object.value("blocks")
        input = try object.value("input")
        preprocessing = try object.value("preprocessing")
        labels = try object.optional("labels")
        source = try object.optional("source")
        verification = try object.optional("verification")
        assumptions = try object.optional("assumptions")
        algorithms = try object.optional("algorithms")
        probe = try object.optional("probe")
        graph = try object.value("graph")
    }
}

extension ModelDocument.Input: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        channels = try object.value("channels")
        height = try object.value("height")
        width = try object.value("width")
    }
}

extension ModelDocument.GraphNode: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        name = try object.value("name")
        operation = try object.value("operation")
        inputs = try object.value("inputs")
        parameters = try object.optional("parameters")
        inputChannels = try object.optional("input_channels")
        outputChannels = try object.optional("output_channels")
        kernel = try object.optional("kernel")
        stride = try object.optional("stride")
        padding = try object.optional("padding")
        groups = try object.optional("groups")
        relu = try object.optional("relu")
    }
}

extension ModelDocument.Algorithm: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        name = try object.value("name")
        rows = try object.optional("rows")
        columns = try object.optional("columns")
    }
}

extension Preprocessing: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(
            resize: try object.value("resize"), crop: try object.value("crop"),
            mean: try object.value("mean"), std: try object.value("std"),
            interpolation: try object.value("interpolation"))
    }
}

extension Preprocessing.Interpolation: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let name = try String(reading: value)
        guard let interpolation = Self(rawValue: name) else {
            throw DocumentError(
                expected: "one of " + Self.allCases.map(\.rawValue).joined(separator: ", "),
                found: name)
        }
        self = interpolation
    }
}

extension ModelDescription.Source: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(name: try object.value("name"), sha256: try object.value("sha256"))
    }
}

extension VerificationRecord: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(
            seed: try object.value("seed"), inputSize: try object.value("input_size"),
            blockError: try object.value("block_error"),
            worstBlock: try object.value("worst_block"),
            blockTolerance: try object.value("block_tolerance"),
            logitError: try object.value("logit_error"),
            logitTolerance: try object.value("logit_tolerance"),
            fastLogitError: try object.optional("fast_logit_error"))
    }
}

extension ModelProbe: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(seed: try object.value("seed"), logits: try object.value("logits"))
    }
}

extension PerNumerics: DocumentReadable where Value: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(
            fast: try object.value(Numerics.fast.rawValue),
            strict: try object.value(Numerics.strict.rawValue))
    }
}
