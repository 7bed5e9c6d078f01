import Orepa
import OrepaSafetensors

/// Prints answers as they come, in one of four formats.
final class AnswerPrinter {
    private let format: ClassifyCommand.Format
    private let outputType: ClassifyCommand.OutputType
    private let isTerminal: Bool
    private var count = 0
    private var heading = ""

    init(
        format: ClassifyCommand.Format, outputType: ClassifyCommand.OutputType, isTerminal: Bool
    ) {
        self.format = format
        self.outputType = outputType
        self.isTerminal = isTerminal
    }

    func begin(model: String, classCount: Int) throws(Failure) {
        switch format {
        // With the first answer: where there is none, nobody needs to know who did not give it.
        case .table: heading = "model: \(model), \(classCount) classes\n"
        case .json: try output("[")
        case .jsonl: break
        case .csv:
            try output("image,rank,index,label,\(scoreName),error\r\n")
        }
    }

    /// - Parameter warnings: What is odd about the picture; printed with the answer where the format is JSON.
    func answer(
        _ path: String, _ predictions: [Prediction], warnings: [String]
    ) throws(Failure) {
        switch format {
        case .table:
            let rows = predictions.enumerated().map { rank, prediction in
                [
                    "\(rank + 1)", prediction.label ?? "class \(prediction.index)",
                    outputType == .prob
                        ? Text.fixed(Double(prediction.probability) * 100, 2) + " %"
                        : Text.fixed(Double(prediction.logit), 4),
                    bar(prediction),
                ]
            }
            try output(
                "\(heading)\n\(path)\n"
                    + Text.table(
                        rows.map { ["", $0[0], $0[1], $0[2], $0[3]] }, rightAligned: [1, 3]))
        case .json, .jsonl:
            let list = predictions.map { prediction in
                JSONValue.object([
                    ("index", .integer(prediction.index)), ("label", .optional(prediction.label)),
                    (scoreName, .float(score(prediction))),
                ])
            }
            var fields: [(String, JSONValue)] = [
                ("image", .string(path)), ("predictions", .array(list)),
            ]
            if !warnings.isEmpty {
                fields.append(("warnings", .array(warnings.map { .string($0) })))
            }
            try object(fields)
        case .csv:
            for (rank, prediction) in predictions.enumerated() {
                try csvLine([
                    path, "\(rank + 1)", "\(prediction.index)", prediction.label ?? "",
                    "\(score(prediction))", "",
                ])
            }
        }
        try flush()
    }

    func failure(_ path: String, _ message: String) throws(Failure) {
        switch format {
        case .table: StandardError.write("orepa-infer: \(path): \(message)")
        case .json, .jsonl: try object([("image", .string(path)), ("error", .string(message))])
        case .csv: try csvLine([path, "", "", "", "", message])
        }
        try flush()
    }

    func end() throws(Failure) {
        if format == .json { try output(count == 0 ? "]\n" : "\n]\n") }
        try StandardOutput.shared.flush()
    }

    private var scoreName: String { outputType == .prob ? "probability" : "logit" }

    private func score(_ prediction: Prediction) -> Float {
        outputType == .prob ? prediction.probability : prediction.logit
    }

    private func bar(_ prediction: Prediction) -> String {
        guard isTerminal, outputType == .prob else { return "" }
        return String(repeating: "█", count: Int((prediction.probability * 30).rounded()))
    }

    private func object(_ fields: [(String, JSONValue)]) throws(Failure) {
        if format == .json { try output(count == 0 ? "\n  " : ",\n  ") }
        count += 1
        try output(JSONValue.object(fields).text(.spaced))
        if format == .jsonl { try output("\n") }
    }

    /// A line of RFC 4180.
    private func csvLine(_ cells: [String]) throws(Failure) {
        let quoted = cells.map { cell in
            // By scalars: a quotation mark with a combining accent is another Character.
            cell.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }
                ? "\""
                    + cell.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
                : cell
        }
        try output(quoted.joined(separator: ",") + "\r\n")
    }

    private func output(_ text: String) throws(Failure) {
        try StandardOutput.shared.write(text)
    }

    /// Lines are passed on as they come where somebody may be waiting for them.
    private func flush() throws(Failure) {
        if isTerminal || format == .jsonl { try StandardOutput.shared.flush() }
    }
}
