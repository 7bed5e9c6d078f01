import ArgumentParser
import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Hold a folded network against the unfused one, block by block and end to end.",
        discussion: """
            Runs every branch of the training-time network on a random picture, in Float64, and compares each \
            block's output with its folded convolution's, run in Float32 on the same feature map, and the \
            logits end to end. Errors are the largest difference, divided by the largest unfused output. With \
            MODEL its weights are compared, else those that a conversion would write; packed weights that it holds have \
            to be, to the bit, what its plain ones are packed to. Strict numerics decide; the \
            logits with fast ones are told too, with a warning where they are off by more than 1e-4.

            EXAMPLES
              orepa-infer verify checkpoint.pth.tar
              orepa-infer verify checkpoint.pth.tar resnet.safetensors --format json
              orepa-infer verify resnet.safetensors
            """)

    @Argument(
        help: "A training checkpoint; or a model file, of which only packed weights are checked.")
    var checkpoint: String

    @Argument(help: "A model file that was made from it.")
    var model: String?

    @OptionGroup var verification: VerificationArguments

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
        if let model { modelFile = (model, try ModelSource(option: model).model) }
        let file: Checkpoint
        do { file = try Checkpoint(path: checkpoint) } catch { throw Failure(error) }
        let pool = WorkerPool(threadCount: threading.count)
        // A model file by itself is a folded checkpoint.
        let packing =
            modelFile?.file ?? (file.metadata.isEmpty ? nil : try? ModelFile(path: checkpoint))
        let packed = try packing.map {
            try PackedReport($0, budget: budgeting.budget, pool: pool)
        }
        let verifier = Verifier(
            options: verification.options(inputSize: inputSize, budget: budgeting.budget),
            pool: pool)
        let result: Verification?
        do {
            result = try verifier.verify(file, against: modelFile) { Progress.show("\($0)") }
        } catch { throw Failure(error) }
        Progress.wipe()
        guard let result else {
            try reportNothingToVerify(packed)
            return try packed?.check() ?? ()
        }
        switch format {
        case .table: try StandardOutput.shared.write(table(result) + (packed?.lines ?? ""))
        case .json: try StandardOutput.shared.writeLine(json(result, packed).text(.spaced))
        }
        guard result.passed else {
            throw Failure(ConversionError.notVerified(path: checkpoint, result))
        }
        try packed?.check()
        ImpreciseFast.warn(of: result, path: checkpoint)
    }

    private func reportNothingToVerify(_ packed: PackedReport?) throws {
        switch format {
        case .table:
            try StandardOutput.shared.write(
                "\(checkpoint): folded already; there is nothing to verify\n"
                    + (packed?.lines ?? ""))
        case .json:
            try StandardOutput.shared.writeLine(
                JSONValue.object([
                    ("checkpoint", .string(checkpoint)), ("folded", .bool(true)), ("passed", .null),
                    ("packed", packed?.json ?? .array([])),
                ]).text(.spaced))
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

    private func json(_ result: Verification, _ packed: PackedReport?) -> JSONValue {
        func comparison(_ layer: OutputComparison) -> JSONValue {
            .object([
                ("name", .string(layer.name)), ("kind", .string(layer.kind)),
                ("error", .double(layer.error)), ("largest_output", .double(layer.largestOutput)),
            ])
        }
        return .object([
            ("checkpoint", .string(checkpoint)), ("model", .optional(model)),
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
            ("logits", comparison(result.logits)), ("packed", packed?.json ?? .array([])),
        ])
    }
}

/// What is said about a network whose layers amplify the rounding of Winograd tiles.
enum ImpreciseFast {
    static func warn(of verification: Verification, path: String) {
        guard !verification.isFastPrecise else { return }
        StandardError.write(
            "orepa-infer: warning: \(path): with --numerics fast, the default, the logits are off by "
                + "\(Text.scientific(verification.fastLogits.error)) of the largest (expected at most "
                + "\(Text.scientific(Verification.fastTolerance))); --numerics strict gives "
                + "\(Text.scientific(verification.logits.error))")
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
