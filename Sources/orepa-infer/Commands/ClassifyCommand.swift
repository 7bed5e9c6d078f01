import ArgumentParser
import CProcess
import Orepa
import OrepaSystem
import OrepaThreads

struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Name what pictures show. The default when no subcommand is given.",
        discussion: """
            A picture is a JPEG or PNG file, a folder of them, or - for standard input.

            EXAMPLES
              orepa-infer classify boot.jpg
              orepa-infer classify --model resnet.safetensors --format csv photos/
              find . -name '*.jpg' | orepa-infer classify --from-list - --format jsonl
              find . -name '*.jpg' -print0 | orepa-infer classify --from-list - --null --format jsonl
              orepa-infer classify photos/ --format csv --csv-safe > for-a-spreadsheet.csv
              curl -s https://example.org/cat.jpg | orepa-infer classify -
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, jsonl, csv
    }

    enum OutputType: String, ExpressibleByArgument, CaseIterable {
        case prob, logit
    }

    @Argument(help: "Pictures, folders of pictures, or - for standard input.")
    var images: [RawPath] = []

    @Option(help: "Model file; by default $OREPA_MODEL, else the one built in.")
    var model: RawPath?

    @Option(help: "How many classes to name.")
    var topK = 5

    @Option(help: "How to print.")
    var format = Format.table

    @Option(
        help: """
            File with the class names, instead of the model's own: text with one a line, or JSON, a list of names or \
            an object of numbers and names.
            """)
    var labels: RawPath?

    @Option(help: "Print probabilities or the network's logits.")
    var outputType = OutputType.prob

    @Option(help: "Text file with a picture's path a line, or - for standard input.")
    var fromList: RawPath?

    @Flag(
        name: [.customLong("null"), .customShort("0")],
        help: "The paths in the list end with a NUL, as find -print0 writes them, not with a line.")
    var hasNullSeparators = false

    @Flag(help: "Enter the folders in folders.")
    var recursive = false

    @Flag(
        name: .customLong("csv-crlf"),
        help: "End lines of CSV with CR LF, as RFC 4180 has it, not with LF.")
    var hasCRLF = false

    @Flag(
        help: """
            Put an apostrophe before texts in CSV that begin with = + - @, a tab or CR, which spreadsheets would \
            calculate.
            """)
    var csvSafe = false

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var computing: NumericsOptions
    @OptionGroup var probing: ProbeOptions
    @OptionGroup var memory: MemoryOptions
    @OptionGroup var budgeting: BudgetOptions
    @OptionGroup var decoding: DecodingOptions

    func validate() throws {
        guard !hasNullSeparators || fromList != nil else {
            throw ValidationError("--null: expected --from-list with it")
        }
        guard topK >= 1 else { throw ValidationError("--top-k: expected 1 or more, found \(topK)") }
        let readers =
            images.filter(\.isStandardStream).count
            + (fromList?.isStandardStream == true ? 1 : 0)
        guard readers <= 1 else {
            throw ValidationError("Standard input can be read only once.")
        }
    }

    func run() throws {
        try run(pictures: images)
    }

    /// - Parameter arguments: What `images` are, as the bytes that the system gave.
    func run(pictures arguments: [RawPath]) throws {
        // The parser tells of options that it does not know only behind what `validate` refuses.
        guard !arguments.isEmpty || fromList != nil else {
            throw ValidationError("Expected at least one image, a folder, or - for standard input.")
        }
        let source = try ModelSource(option: model)
        try source.checkTakesPictures()
        let labels = try source.labels(option: labels)
        let list = try ImageList(
            arguments: arguments,
            list: fromList.map { PathList($0, isNullSeparated: hasNullSeparators) },
            recursive: recursive)
        // Before there is anything to print, an interrupt ends the program as it would any other.
        orepa_keep_interrupts()
        let printer = AnswerPrinter(
            format: format, outputType: outputType, isTerminal: StandardOutput.isTerminal,
            csv: CSVWriter(lineEnd: hasCRLF ? "\r\n" : "\n", isSafe: csvSafe))
        try printer.begin(
            model: source.name, classCount: source.model.network.graph.classCount)
        memory.warn(of: source.model)
        let pictures: PictureStream
        do throws(OrepaError) {
            pictures = try PictureStream(
                list.inputs,
                model: Model(source.model, options: options(for: source.model, list)),
                appliesOrientation: decoding.exifOrientation, threadCount: threading.count)
        } catch { throw Failure(error) }
        var outcome = ClassificationOutcome(list)
        while let (input, result) = pictures.next() {
            if list.inputs.count > 1 { Progress.show("\(outcome.count) of \(list.inputs.count)") }
            switch result {
            case .answered(let answer, let warnings):
                for warning in warnings {
                    StandardError.write(
                        "orepa-infer: warning: \(input.path.printable): \(warning)")
                }
                let predictions: [Prediction]
                do throws(OrepaError) {
                    predictions = try answer.top(topK, labels: labels)
                } catch {
                    try tell(PictureFailure(error))
                    continue
                }
                outcome.add(.answered)
                try printer.answer(input.path, predictions, warnings: warnings)
            case .notAnImage: outcome.add(.skipped)
            case .failed(let failure): try tell(failure)
            }
            func tell(_ failure: PictureFailure) throws(Failure) {
                outcome.add(failure.isRefusal ? .refused : .failed)
                try printer.failure(input.path, failure.message)
            }
        }
        try printer.end()
        Progress.wipe()
        let signal = orepa_received_interrupt()
        if signal != 0 {
            StandardError.write(
                "orepa-infer: interrupted after \(outcome.count) of \(list.inputs.count)")
            orepa_end_by_signal(signal)
        }
        pictures.end()
        for notice in outcome.notices { StandardError.write("orepa-infer: \(notice)") }
        if let status = outcome.status { throw Failure(status) }
    }

    private func options(for model: ModelFile, _ list: ImageList) -> Model.Options {
        var options = Model.Options()
        options.numerics = computing.numerics
        options.memory = memory.policy(pictures: list.inputs.count, of: model)
        options.trustsPackedWeights = memory.trustPacked
        options.budget = budgeting.budget
        options.threads = .own(count: threading.count)
        options.checksProbe = probing.isWanted(pictures: list.inputs.count)
        decoding.set(&options)
        return options
    }
}
