import OrepaConversion
import OrepaJSON
import OrepaNetwork
import OrepaSystem

/// What `convert` tells about the model that it wrote.
struct ConversionReport {
    let checkpoint: RawPath
    let output: RawPath
    let result: Converter.Result
    /// The options that were given about the network.
    let given: [String]
    /// Whether the checkpoint is a model file that records the rest.
    let isRecorded: Bool
    let warnings: [String]

    private var description: ModelDescription { result.model.description }

    var text: String {
        let blocks = description.blocks.sorted { $0.key < $1.key }
            .map { "\($0.value) x \($0.key)" }.joined(separator: ", ")
        let classCount = result.model.network.graph.classCount
        let checked =
            result.verification.map {
                "verified: block error \(Text.scientific($0.worstBlock.error)) "
                    + "(\($0.worstBlock.name)), logit error \(Text.scientific($0.logits.error)), "
                    + "fast \(Text.scientific($0.fastLogits.error))"
            } ?? "folded already; there was nothing to verify"
        let normalization = [
            ("mean", description.preprocessing.mean), ("std", description.preprocessing.std),
        ].map { name, values in
            let list = values.prefix(8).map { "\($0)" }.joined(separator: " ")
            return given.contains("--\(name)")
                ? "given: \(name) \(list)\n"
                : isRecorded
                    ? "recorded: \(name) \(list)\n" : "assumed: \(name) \(list) (--\(name))\n"
        }.joined()
        let interpolation = description.preprocessing.interpolation
        let resizing =
            given.contains("--interpolation")
            ? "given: interpolation \(interpolation.rawValue)\n"
            : interpolation == .bilinear
                ? "" : "recorded: interpolation \(interpolation.rawValue)\n"
        let assumptions =
            description.assumptions.map { assumptions in
                isRecorded
                    ? AssumptionReport.recordedLines(assumptions, given: given)
                    : AssumptionReport.lines(assumptions, given: given)
            } ?? ""
        return """
            \(output): \(description.family), \(blocks), \(classCount) \(classCount == 1 ? "class" : "classes")
            \(assumptions)\(normalization)\(resizing)\(checked)
            \(result.reference.map(AssumptionReport.line) ?? "")
            """
    }

    var json: JSONValue {
        .object([
            ("checkpoint", .string(checkpoint.text)), ("model", .string(output.text)),
            ("passed", .bool(true)), ("family", .string(description.family)),
            (
                "blocks",
                .object(
                    description.blocks.sorted { $0.key < $1.key }.map {
                        ($0.key.text, .integer($0.value))
                    })
            ),
            ("classes", .integer(result.model.network.graph.classCount)),
            (
                "input",
                .array(
                    [
                        result.model.network.graph.inputChannels,
                        description.preprocessing.crop, description.preprocessing.crop,
                    ].map(JSONValue.integer))
            ),
            ("preprocessing", Inspection.json(description.preprocessing)),
            ("assumptions", description.assumptions?.json ?? .null),
            ("folded", .bool(result.verification == nil)),
            ("verification", description.verification.map(Inspection.json) ?? .null),
            ("reference", AssumptionReport.json(result.reference)),
            ("warnings", .array(warnings.map(JSONValue.string))),
        ])
    }

    /// Why nothing was written.
    static func json(
        _ error: ConversionError, checkpoint: RawPath, warnings: [String]
    ) -> JSONValue {
        var verification: JSONValue = .null
        var reference: JSONValue = .null
        var assumptions: JSONValue = .null
        switch error {
        case .notVerified(_, let found): verification = Inspection.json(found.record)
        case .otherLogits(_, let comparison, let assumed, _):
            reference = AssumptionReport.json(comparison)
            assumptions = assumed.json
        default: break
        }
        return .object([
            ("checkpoint", .string(checkpoint.text)), ("model", .null), ("passed", .bool(false)),
            ("error", .string("\(error)")), ("assumptions", assumptions),
            ("verification", verification), ("reference", reference),
            ("warnings", .array(warnings.map(JSONValue.string))),
        ])
    }
}
