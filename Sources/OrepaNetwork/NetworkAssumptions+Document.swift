import OrepaJSON

extension NetworkAssumptions {
    /// As reports have it; what is not known is null.
    package var json: JSONValue { .object(members) }

    /// As model files have it.
    var documentJSON: JSONValue { .sorted(members) }

    private var members: [(String, JSONValue)] {
        [
            ("strides", .array(strides.map(JSONValue.integer))),
            ("stem", .optional(stem?.rawValue)), ("stem_pool", .bool(hasStemPool)),
            ("bn_epsilon", batchNormEpsilon.map(JSONValue.double) ?? .null),
            ("state_dict", .optional(stateDict)),
            ("input_size", inputSize.map { .integer($0) } ?? .null),
        ]
    }
}

extension NetworkAssumptions: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self.init(
            strides: try object.value("strides"), stem: try object.optional("stem"),
            hasStemPool: try object.value("stem_pool"),
            batchNormEpsilon: try object.optional("bn_epsilon"),
            stateDict: try object.optional("state_dict"),
            inputSize: try object.optional("input_size"))
    }
}

extension NetworkAssumptions.Stem: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let name = try String(reading: value)
        guard let stem = Self(rawValue: name) else {
            throw DocumentError(
                expected: Self.allCases.map(\.rawValue).joined(separator: " or "), found: name)
        }
        self = stem
    }
}
