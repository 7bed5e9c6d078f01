import ArgumentParser
import OrepaCheckpoint
import OrepaConversion
import OrepaJSON
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Hold a folded network against the unfused one, block by block and end to end.",
        discussion: """
            Runs every branch of the training-time network on a random picture, in Float64, and compares each \
            block's output with its folded convolution's, run in Float32 on the same feature map, and the \
            logits end to end. Errors are the largest difference, divided by the largest unfused output. With \
            MODEL its weights are compared, else those that a conversion would write. Strict numerics decide; the \
            logits with fast ones are told too, with a warning where they are off by more than 1e-4.

            What a model file says of itself has to hold, also of one alone: its graph, family, blocks and assumptions; \
            its probe's logits to the bit, with fast and with strict numerics; and packed weights have to be, to the bit, \
            what its plain ones are packed to.

            EXAMPLES
              orepa-infer verify checkpoint.pth.tar
              orepa-infer verify checkpoint.pth.tar resnet.safetensors --format json
              orepa-infer verify resnet.safetensors
            """)

    @Argument(
        help:
            "A training checkpoint; or a model file, of which only what it says of itself is checked."
    )
    var checkpoint: RawPath

    @Argument(help: "A model file that was made from it.")
    var model: RawPath?

    @OptionGroup var network: NetworkArguments

    @OptionGroup var verification: VerificationArguments

    @OptionGroup var proof: ReferenceArguments

    @Option(
        help:
            "Height and width of the random picture; by default 64, more where a network needs it.")
    var inputSize: Int?

    @Option(help: "How to print.")
    var format = ReportFormat.table

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var budgeting: BudgetOptions

    func validate() throws {
        if let inputSize, !(1...Preprocessing.largestSide ~= inputSize) {
            throw ValidationError(
                "--input-size: expected 1 to \(Preprocessing.largestSide), found \(inputSize)")
        }
    }

    func run() throws {
        var modelFile: (path: String, file: ModelFile)?
        if let model { modelFile = ("\(model)", try ModelSource(option: model).model) }
        let file = try network.checkpoint(path: checkpoint, recordedIn: modelFile?.file)
        let recognized: RecognizedCheckpoint
        do { recognized = try RecognizedCheckpoint(file) } catch { throw Failure(error) }
        // A model file is a folded checkpoint, which records what was assumed, too.
        let recorded = modelFile?.file ?? recognized.deployedModel
        let reference = try proof.read()
        var warnings = network.warnings(
            about: file, isFolded: modelFile == nil && recorded != nil,
            recorded: recorded?.description.assumptions)
        if let recorded {
            warnings += network.contradictions(of: recorded, path: model ?? checkpoint)
        }
        AssumptionReport.warn(warnings)
        let pool = WorkerPool(threadCount: threading.count)
        let packed = try recorded.map {
            try PackedReport($0, budget: budgeting.budget, pool: pool)
        }
        let probe = try recorded.map {
            try ProbeReport($0, budget: budgeting.budget, pool: pool)
        }
        let verifier = Verifier(
            options: verification.options(inputSize: inputSize, budget: budgeting.budget),
            pool: pool)
        let found: Verifier.Examination
        do {
            found = try verifier.examine(
                recognized, against: modelFile, network: network.options(recordedIn: recorded),
                reference: reference
            ) { Progress.show("\($0)") }
        } catch { throw Failure(error) }
        Progress.wipe()
        let result = found.verification
        if let warning = result.flatMap({
            $0.passed ? ImpreciseFast.warning(of: $0, path: "\(checkpoint)") : nil
        }) {
            AssumptionReport.warn([warning])
            warnings.append(warning)
        }
        // A model file says more about itself than its tensors do.
        let assumptions = found.assumptions.completed(
            by: recorded?.description.assumptions, isSameFile: model == nil
        ).onPictures(ofSize: result?.inputSize ?? inputSize)
        let given = network.given + (inputSize == nil ? [] : ["--input-size"])
        let isRecorded = recorded?.description.assumptions != nil
        switch format {
        case .table:
            try StandardOutput.shared.writeText(
                (isRecorded
                    ? AssumptionReport.recordedLines(assumptions, given: given)
                    : AssumptionReport.lines(assumptions, given: given))
                    + (result.map { "\n" + table($0) }
                        ?? "\(checkpoint): folded already; there is nothing to verify\n")
                    + (probe?.line ?? "") + (packed?.lines ?? "")
                    + (found.reference.map(AssumptionReport.line) ?? ""))
        case .json:
            var fields =
                result.map(json) ?? [
                    ("checkpoint", .string(checkpoint.text)), ("model", .optional(model?.text)),
                    ("folded", .bool(true)), ("passed", .null),
                ]
            fields += [
                ("assumptions", assumptions.json),
                ("reference", AssumptionReport.json(found.reference)),
                ("probe", probe?.json ?? .null),
                ("packed", packed?.json ?? .array([])),
                ("warnings", .array(warnings.map(JSONValue.string))),
            ]
            try StandardOutput.shared.writeLine(JSONValue.object(fields).text(.spaced))
        }
        if let result, !result.passed {
            throw Failure(ConversionError.notVerified(path: "\(checkpoint)", result))
        }
        try probe?.check()
        try packed?.check()
        if let reference = found.reference, !reference.passed {
            throw Failure(
                ConversionError.otherLogits(
                    path: "\(model ?? checkpoint)", reference, assumptions,
                    counterparts: file.counterparts))
        }
    }

    private func table(_ result: Verification) -> String {
        let failures = result.failures
        let rows = (result.blocks + [result.logits, result.fastLogits]).map { layer in
            let remark =
                failures.contains(layer)
                ? "FAILS" : layer != result.fastLogits || result.isFastPrecise ? "ok" : "imprecise"
            return [
                layer.name, layer.kind, Text.scientific(layer.error),
                Text.scientific(layer.largestOutput), remark,
            ]
        }
        let header = ["layer", "block", "error", "largest", ""]
        return Text.table([header] + rows, rightAligned: [2, 3])
            + "\n\(result.passed ? "passed" : "failed"): "
            + "block error \(Text.scientific(result.worstBlock.error)) (\(result.worstBlock.name); "
            + "tolerance \(Text.scientific(result.blockTolerance))), "
            + "logit error \(Text.scientific(result.logits.error)) "
            + "(tolerance \(Text.scientific(result.logitTolerance))), "
            + "fast \(Text.scientific(result.fastLogits.error)), on a random "
            + "\(result.inputSize)x\(result.inputSize) picture\n"
    }

    private func json(_ result: Verification) -> [(String, JSONValue)] {
        func comparison(_ layer: OutputComparison) -> JSONValue {
            .object([
                ("name", .string(layer.name)), ("kind", .string(layer.kind)),
                ("error", .double(layer.error)), ("largest_output", .double(layer.largestOutput)),
            ])
        }
        return [
            ("checkpoint", .string(checkpoint.text)), ("model", .optional(model?.text)),
            ("folded", .bool(false)),
            ("passed", .bool(result.passed)), ("seed", .string("\(result.seed)")),
            ("input_size", .integer(result.inputSize)),
            ("block_tolerance", .double(result.blockTolerance)),
            ("logit_tolerance", .double(result.logitTolerance)),
            ("block_error", .double(result.worstBlock.error)),
            ("worst_block", .string(result.worstBlock.name)),
            ("logit_error", .double(result.logits.error)),
            ("fast_logit_error", .double(result.fastLogits.error)),
            ("fast_logit_tolerance", .double(Verification.fastTolerance)),
            ("blocks", .array(result.blocks.map(comparison))),
            ("logits", comparison(result.logits)),
        ]
    }
}

/// What is said about a network whose layers amplify the rounding of Winograd tiles.
enum ImpreciseFast {
    static func warning(of verification: Verification, path: String) -> String? {
        guard !verification.isFastPrecise else { return nil }
        return "\(path): with --numerics fast, the default, the logits are off by "
            + "\(Text.scientific(verification.fastLogits.error)) of the largest (expected at most "
            + "\(Text.scientific(Verification.fastTolerance))); --numerics strict gives "
            + "\(Text.scientific(verification.logits.error))"
    }
}

/// Logits to hold a network against.
struct ReferenceArguments: ParsableArguments {
    @Option(
        help: """
            A safetensors file with tensors `input` [N, C, H, W] and `logits` [N, classes] that the training code \
            computed, as tools/make_reference.py writes it: the network has to give these logits within --tolerance.
            """)
    var reference: RawPath?

    func read() throws(Failure) -> Reference? {
        guard let reference else { return nil }
        do { return try Reference(path: reference) } catch { throw Failure(error) }
    }
}

extension Failure {
    init(_ error: ReferenceError) {
        if case .file(let error) = error {
            self.init(error)
        } else {
            self.init(error.isRefusal ? .refused : .badData, "\(error)")
        }
    }
}

/// The options that `verify` and `convert` share.
struct VerificationArguments: ParsableArguments {
    @Option(parsing: .unconditional, help: "Largest error of the logits, relative to the largest.")
    var tolerance = VerificationOptions().logitTolerance

    @Option(
        parsing: .unconditional, help: "Largest error of a block, relative to its largest output.")
    var blockTolerance = VerificationOptions().blockTolerance

    func validate() throws {
        for (name, value) in [("--tolerance", tolerance), ("--block-tolerance", blockTolerance)]
        where !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name): expected a number of at least 0, found \(value)")
        }
    }

    func options(inputSize: Int?, budget: ModelBudget) -> VerificationOptions {
        VerificationOptions(
            blockTolerance: blockTolerance, logitTolerance: tolerance, inputSize: inputSize,
            budget: budget)
    }
}
