import OrepaConversion
import OrepaJSON
import OrepaNetwork

/// How assumptions are told.
enum AssumptionReport {
    /// A line for each, which says what was assumed and what was given by an option.
    static func lines(_ assumptions: NetworkAssumptions, given: [String]) -> String {
        assumptions.facts.map { fact in
            given.contains(fact.option)
                ? "given: \(fact.name) \(fact.value)\n"
                : "assumed: \(fact.name) \(fact.value) (\(fact.option))\n"
        }.joined()
    }

    /// The same for what a model file records.
    static func recordedLines(_ assumptions: NetworkAssumptions, given: [String]) -> String {
        assumptions.facts.map { fact in
            "\(given.contains(fact.option) ? "given" : "recorded"): \(fact.name) \(fact.value)\n"
        }.joined()
    }

    static func line(_ comparison: ReferenceComparison) -> String {
        "reference: logit error \(Text.scientific(comparison.error)) "
            + "(tolerance \(Text.scientific(comparison.tolerance))) on \(comparison.pictureCount) "
            + "\(comparison.pictureCount == 1 ? "picture" : "pictures") of "
            + "\(comparison.height)x\(comparison.width)\n"
    }

    static func json(_ comparison: ReferenceComparison?) -> JSONValue {
        guard let comparison else { return .null }
        return .object([
            ("file", .string(comparison.path)), ("passed", .bool(comparison.passed)),
            ("logit_error", .double(comparison.error)),
            ("tolerance", .double(comparison.tolerance)),
            ("pictures", .integer(comparison.pictureCount)),
            ("height", .integer(comparison.height)), ("width", .integer(comparison.width)),
        ])
    }

    static func warn(_ sentences: [String]) {
        for sentence in sentences { StandardError.write("orepa-infer: warning: \(sentence)") }
    }
}
