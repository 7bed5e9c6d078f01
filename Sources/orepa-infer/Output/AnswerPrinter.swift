import Orepa
import OrepaFiles
import OrepaJSON
import OrepaSystem

/// Prints answers as they come, in one of four formats.
final class AnswerPrinter {
    private let format: ClassifyCommand.Format
    private let outputType: ClassifyCommand.OutputType
    private let isTerminal: Bool
    private let csv: CSVWriter
    private var count = 0
    private var heading = ""
    /// Whether the network has one logit, whose sigmoid is its probability.
    private var isBinary = false

    init(
        format: ClassifyCommand.Format, outputType: ClassifyCommand.OutputType, isTerminal: Bool,
        csv: CSVWriter
    ) {
        self.format = format
        self.outputType = outputType
        self.isTerminal = isTerminal
        self.csv = csv
    }

    func begin(model: String, classCount: Int) throws(Failure) {
        isBinary = classCount == 1 && outputType == .prob
        switch format {
        // With the first answer: where there is none, nobody needs to know who did not give it.
        case .table:
            heading =
                "model: \(model.escapedForPrinting()), "
                + (classCount == 1
                    ? "1 logit" + (isBinary ? ", whose sigmoid is the probability" : "")
                    : "\(classCount) classes") + "\n"
        case .json: try output("[")
        case .jsonl: break
        case .csv:
            if isBinary {
                StandardError.write(
                    "orepa-infer: \(model.escapedForPrinting()): 1 logit, whose sigmoid is the probability"
                )
            }
            try csvLine(
                ["image", "rank", "index", "label", scoreName, "error"].map(CSVWriter.Cell.text))
        }
    }

    /// - Parameter warnings: What is odd about the picture; printed with the answer where the format is JSON.
    func answer(
        _ path: RawPath, _ predictions: [Prediction], warnings: [String]
    ) throws(Failure) {
        switch format {
        case .table:
            let rows = predictions.enumerated().map { rank, prediction in
                [
                    "", "\(rank + 1)", prediction.label ?? "class \(prediction.index)",
                    outputType == .prob
                        ? Text.fixed(Double(prediction.probability) * 100, 2) + " %"
                        : Text.fixed(Double(prediction.logit), 4),
                    bar(prediction),
                ]
            }
            try output(
                "\(heading)\n\(path.printable)\n" + Text.table(rows, rightAligned: [1, 3]))
            heading = ""
        case .json, .jsonl:
            let list = predictions.map { prediction in
                JSONValue.object([
                    ("index", .integer(prediction.index)), ("label", .optional(prediction.label)),
                    (scoreName, .float(score(prediction))),
                ])
            }
            var fields: [(String, JSONValue)] = [("predictions", .array(list))]
            if isBinary { fields.append(("activation", .string("sigmoid"))) }
            if !warnings.isEmpty {
                fields.append(("warnings", .array(warnings.map { .string($0) })))
            }
            try object(path, fields)
        case .csv:
            for (rank, prediction) in predictions.enumerated() {
                try csvLine([
                    .text(path.bytes), .number("\(rank + 1)"), .number("\(prediction.index)"),
                    .text(prediction.label ?? ""), .number("\(score(prediction))"), .text(""),
                ])
            }
        }
        try flush()
    }

    func failure(_ path: RawPath, _ message: String) throws(Failure) {
        switch format {
        case .table: StandardError.write("orepa-infer: \(path.printable): \(message)")
        case .json, .jsonl: try object(path, [("error", .string(Text.bounded(message)))])
        case .csv:
            let empty = CSVWriter.Cell.text("")
            try csvLine([
                .text(path.bytes), empty, empty, empty, empty, .text(Text.bounded(message)),
            ])
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

    /// A record about the picture at `path`, whose bytes go with it where JSON's text cannot hold them.
    private func object(_ path: RawPath, _ fields: [(String, JSONValue)]) throws(Failure) {
        var name: [(String, JSONValue)] = [("image", .string(path.text))]
        if !path.isUTF8 { name.append(("image_base64", .string(Base64.text(path.bytes)))) }
        if format == .json { try output(count == 0 ? "\n  " : ",\n  ") }
        count += 1
        try output(JSONValue.object(name + fields).text(.spaced))
        if format == .jsonl { try output("\n") }
    }

    private func csvLine(_ cells: [CSVWriter.Cell]) throws(Failure) {
        try StandardOutput.shared.writeBytes(csv.line(cells))
    }

    private func output(_ text: String) throws(Failure) {
        try StandardOutput.shared.write(text)
    }

    /// Lines are passed on as they come where somebody may be waiting for them.
    private func flush() throws(Failure) {
        if isTerminal || format == .jsonl { try StandardOutput.shared.flush() }
    }
}
