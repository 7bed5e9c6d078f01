import OrepaJSON

extension ModelDocument {
    /// The document as files hold it: keys sorted, one line.
    var text: String { json.text(.compact) }

    private var json: JSONValue {
        .sorted([
            ("version", .integer(ModelDocument.knownVersion)),
            ("tool", .string(tool)),
            ("family", .string(family)),
            ("blocks", .sorted(blocks.map { ($0.key.text, .integer($0.value)) })),
            ("input", input.json),
            ("preprocessing", preprocessing.json),
            ("labels", labels.map { .array($0.map(JSONValue.string)) }),
            ("source", source?.json),
            ("verification", verification?.json),
            ("assumptions", assumptions?.documentJSON),
            (
                "algorithms",
                algorithms?.json { layers in .sorted(layers.map { ($0.key.text, $0.value.json) }) }
            ),
            ("probe", probe?.json),
            ("graph", .array(graph.map(\.json))),
        ])
    }
}

extension ModelDocument.Input {
    fileprivate var json: JSONValue {
        .sorted([
            ("channels", .integer(channels)), ("height", .integer(height)),
            ("width", .integer(width)),
        ])
    }
}

extension ModelDocument.GraphNode {
    fileprivate var json: JSONValue {
        .sorted([
            ("name", .string(name)),
            ("operation", .string(operation)),
            ("inputs", .array(inputs.map(JSONValue.string))),
            ("parameters", parameters.map(JSONValue.string)),
            ("input_channels", inputChannels.map(JSONValue.integer)),
            ("output_channels", outputChannels.map(JSONValue.integer)),
            ("kernel", kernel.map(JSONValue.integer)),
            ("stride", stride.map(JSONValue.integer)),
            ("padding", padding.map(JSONValue.integer)),
            ("groups", groups.map(JSONValue.integer)),
            ("relu", relu.map(JSONValue.bool)),
        ])
    }
}

extension ModelDocument.Algorithm {
    fileprivate var json: JSONValue {
        .sorted([
            ("name", .string(name)),
            ("rows", rows.map { .array($0.map(JSONValue.integer)) }),
            ("columns", columns.map { .array($0.map(JSONValue.integer)) }),
        ])
    }
}

extension Preprocessing {
    var json: JSONValue {
        .sorted([
            ("resize", .integer(resize)), ("crop", .integer(crop)),
            ("mean", .array(mean.map(JSONValue.float))),
            ("std", .array(std.map(JSONValue.float))),
            ("interpolation", .string(interpolation.rawValue)),
        ])
    }
}

extension ModelDescription.Source {
    var json: JSONValue {
        .sorted([("name", .string(name)), ("sha256", .string(sha256))])
    }
}

extension VerificationRecord {
    var json: JSONValue {
        .sorted([
            ("seed", .integer(seed)),
            ("input_size", .integer(inputSize)),
            ("block_error", .double(blockError)),
            ("worst_block", .string(worstBlock)),
            ("block_tolerance", .double(blockTolerance)),
            ("logit_error", .double(logitError)),
            ("logit_tolerance", .double(logitTolerance)),
            ("fast_logit_error", fastLogitError.map(JSONValue.double)),
        ])
    }
}

extension ModelProbe {
    fileprivate var json: JSONValue {
        .sorted([
            ("seed", .integer(seed)),
            ("logits", logits.json { .array($0.map(JSONValue.float)) }),
        ])
    }
}

extension PerNumerics {
    fileprivate func json(_ json: (Value) -> JSONValue) -> JSONValue {
        .sorted(Numerics.allCases.map { ($0.rawValue, json(self[$0])) })
    }
}
