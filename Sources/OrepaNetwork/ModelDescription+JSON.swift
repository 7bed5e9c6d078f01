import OrepaJSON

extension ModelDescription {
    /// What a model file records beside the network itself, on one line, under the keys of the file's document; null where
    /// it records nothing.
    package var json: String {
        let crop = JSONValue.integer(preprocessing.crop)
        return JSONValue.object([
            ("tool", .string(tool)),
            ("family", .string(family)),
            ("blocks", .sorted(blocks.map { ($0.key.text, .integer($0.value)) })),
            (
                "input",
                .object([
                    ("channels", .integer(preprocessing.mean.count)), ("height", crop),
                    ("width", crop),
                ])
            ),
            ("preprocessing", preprocessing.json),
            ("labels", labels.map { .array($0.map(JSONValue.string)) } ?? .null),
            ("source", source?.json ?? .null),
            ("verification", verification?.completeJSON ?? .null),
            ("assumptions", assumptions?.json ?? .null),
        ]).text(.spaced)
    }

    /// Bytes that making ``json`` takes at most: its parts, and the text as it grows.
    package var jsonMemory: Int {
        // A byte of a string may become six.
        func text(_ string: String) -> Int { 6 * string.utf8.count + 128 }
        let names = blocks.keys.reduce(0) { $0 + text($1.text) }
        let classes = (labels ?? []).reduce(0) { $0 + text($1) }
        let strings = [
            tool, family, source?.name ?? "", source?.sha256 ?? "", verification?.worstBlock ?? "",
            assumptions?.stateDict ?? "",
        ].reduce(0) { $0 + text($1) }
        let numbers =
            preprocessing.mean.count + preprocessing.std.count + (assumptions?.strides.count ?? 0)
        return 4 * (names + classes + strings + 128 * numbers + 4096)
    }
}

extension VerificationRecord {
    /// With null for what older files do not record.
    fileprivate var completeJSON: JSONValue {
        guard fastLogitError == nil, case .object(let members) = json else { return json }
        return .object(members + [("fast_logit_error", .null)])
    }
}
