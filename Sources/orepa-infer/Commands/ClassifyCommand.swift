import ArgumentParser
import Orepa
import OrepaPlan

struct ClassifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Name what pictures show. The default when no subcommand is given.",
        discussion: """
            A picture is a JPEG or PNG file, a folder of them, or - for standard input.

            EXAMPLES
              orepa-infer classify boot.jpg
              orepa-infer classify --model resnet.safetensors --format csv photos/
              find . -name '*.jpg' | orepa-infer classify --from-list - --format jsonl
              curl -s https://example.org/cat.jpg | orepa-infer classify -
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, jsonl, csv
    }

    enum OutputType: String, ExpressibleByArgument, CaseIterable {
        case prob, logit
    }

    @Argument(help: "Pictures, folders of pictures, or - for standard input.")
    var images: [String] = []

    @Option(help: "Model file; by default $OREPA_MODEL, else the one built in.")
    var model: String?

    @Option(help: "How many classes to name.")
    var topK = 5

    @Option(help: "How to print.")
    var format = Format.table

    @Option(help: "Text file with a class name a line, instead of the model's own.")
    var labels: String?

    @Option(help: "Print probabilities or the network's logits.")
    var outputType = OutputType.prob

    @Option(help: "Text file with a picture's path a line, or - for standard input.")
    var fromList: String?

    @Flag(help: "Enter the folders in folders.")
    var recursive = false

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var computing: NumericsOptions
    @OptionGroup var probing: ProbeOptions
    @OptionGroup var memory: MemoryOptions
    @OptionGroup var decoding: DecodingOptions

    func validate() throws {
        guard !images.isEmpty || fromList != nil else {
            throw ValidationError("Expected at least one image, a folder, or - for standard input.")
        }
        guard topK >= 1 else { throw ValidationError("--top-k: expected 1 or more, found \(topK)") }
        let readers = images.filter { $0 == "-" }.count + (fromList == "-" ? 1 : 0)
        guard readers <= 1 else {
            throw ValidationError("Standard input can be read only once.")
        }
    }

    func run() async throws {
        let source = try ModelSource(option: model)
        let labels = try source.labels(option: labels)
        let inputs = try ImageList.inputs(arguments: images, list: fromList, recursive: recursive)
        let printer = AnswerPrinter(
            format: format, outputType: outputType, isTerminal: StandardOutput.isTerminal)
        try printer.begin(
            model: source.name, classCount: source.model.network.graph.classCount)
        let context: PlanContext
        do throws(PlanError) {
            let pool = WorkerPool(threadCount: threading.count)
            let plan = try Plan(
                source.model, numerics: computing.numerics,
                memory: memory.policy(pictures: inputs.count, of: source.model), pool: pool)
            context = try PlanContext(plan, pool: pool)
            if probing.isWanted(pictures: inputs.count) {
                try context.checkProbe(of: source.model)
            }
        } catch { throw Failure(error, planning: source.name) }
        let pictures = PictureStream(
            inputs, preprocessing: source.model.description.preprocessing, decoding: decoding,
            lookahead: threading.count + 1)
        var skippedCount = 0
        var failedCount = 0
        var answeredCount = 0
        while let (input, result) = await pictures.next() {
            if inputs.count > 1 {
                Progress.show("\(answeredCount + failedCount + skippedCount) of \(inputs.count)")
            }
            switch result {
            case .prepared(let picture, let warnings):
                for warning in warnings {
                    StandardError.write("orepa-infer: warning: \(input.path): \(warning)")
                }
                let scores = Scores(logits: context.run(picture.values, count: 1))
                guard scores.areFinite else {
                    failedCount += 1
                    try printer.failure(
                        input.path, "the network's output is not finite; the model is damaged")
                    continue
                }
                answeredCount += 1
                try printer.answer(
                    input.path, scores.top(topK, labels: labels), warnings: warnings)
            case .notAnImage: skippedCount += 1
            case .failed(let message):
                failedCount += 1
                try printer.failure(input.path, message)
            }
        }
        try printer.end()
        Progress.wipe()
        if inputs.isEmpty { StandardError.write("orepa-infer: found no image") }
        if skippedCount > 0 {
            StandardError.write(
                "orepa-infer: skipped \(skippedCount) \(skippedCount == 1 ? "file that is" : "files that are")"
                    + " no image by content")
        }
        if failedCount > 0 { throw Failure(.someImagesFailed) }
    }
}
