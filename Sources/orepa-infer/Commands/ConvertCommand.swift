import ArgumentParser
import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaPlan

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Fold a training checkpoint, verify the result and write it as a model file.",
        discussion: """
            Reads what torch.save writes (zip or legacy) and safetensors. Nothing is written unless the folded \
            network computes what the unfused one does. Without options the preprocessing is the published \
            one for ImageNet, and a network of 1000 classes gets ImageNet's class names.

            EXAMPLES
              orepa-infer convert checkpoint.pth.tar resnet.safetensors
              orepa-infer convert flowers.pth flowers.safetensors --labels names.txt
              orepa-infer convert checkpoint.pth.tar resnet.safetensors --pack native
              orepa-infer convert boots.pth boots.safetensors --input-size 160 \\
                --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25
            """)

    @Argument(help: "A training checkpoint.")
    var checkpoint: String

    @Argument(help: "Where to write the model (.safetensors).")
    var output: String

    @Option(help: "Text file with a class name a line.")
    var labels: String?

    @Option(help: "Preprocessing to start from: imagenet.")
    var preset = Preset.imagenet

    @Option(
        help: "Height and width of the network's input; alone it sets the resize to N * 256 / 224.")
    var inputSize: Int?

    @Option(help: "Pixels of the shorter side before the centre crop.")
    var resize: Int?

    @Option(
        parsing: .unconditional, help: "Mean of red, green, blue, subtracted from values in 0...1.")
    var mean: ColourValues?

    @Option(
        parsing: .unconditional,
        help: "Standard deviation of red, green, blue, which divides what is left.")
    var std: ColourValues?

    @Option(
        name: .customLong("pack"),
        help: """
            Store the weights once more as the kernels of an instruction set read them (native, \
            \(InstructionSet.allCases.map(\.rawValue).joined(separator: ", "))), up to four times as large: \
            loading then packs nothing. Can be repeated.
            """)
    var packing: [PackingTarget] = []

    @OptionGroup var verification: VerificationArguments

    @Flag(help: "Replace OUTPUT when it is there.")
    var force = false

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var budgeting: BudgetOptions

    @Flag(
        inversion: .prefixedNo,
        help: """
            Where CHECKPOINT is itself a model file, first run the picture whose logits it keeps, and refuse it \
            unless they are the same to the bit.
            """)
    var probe = true

    func validate() throws {
        guard output != "-" else {
            throw ValidationError(
                "OUTPUT: expected a file's path, found -, since a model is written whole or not at all"
            )
        }
        if let invalid = preprocessing(startingFrom: .imageNet).invalidField {
            let option = invalid.name == "crop" ? "input-size" : invalid.name
            throw ValidationError(
                "--\(option): expected \(invalid.expected), found \(invalid.found)")
        }
    }

    func run() throws {
        try OutputFile.refuse(output, sameAs: checkpoint)
        let file: Checkpoint
        do { file = try Checkpoint(path: checkpoint) } catch { throw Failure(error) }
        // A deployed model is a folded checkpoint; what its description says holds where no option does.
        let model = file.metadata.isEmpty ? nil : try? ModelFile(path: checkpoint)
        let pool = WorkerPool(threadCount: threading.count)
        if let model, probe { try checkProbe(of: model, pool: pool) }
        let known = model?.description
        let converter = Converter(
            options: ConversionOptions(
                labels: try labels(for: file, known: known?.labels),
                preprocessing: preprocessing(startingFrom: known?.preprocessing ?? .imageNet),
                packing: packing.map(\.instructionSet),
                verification: verification.options(inputSize: nil, budget: budgeting.budget),
                overwrite: force,
                tool: "orepa-infer \(toolVersion)"),
            pool: pool)
        let result: Converter.Result
        do {
            result = try converter.convert(file, to: output) { Progress.show("\($0)") }
        } catch { throw Failure(error) }
        Progress.wipe()
        try StandardOutput.shared.write(summary(result))
        if let verification = result.verification {
            ImpreciseFast.warn(of: verification, path: checkpoint)
        }
    }

    private func checkProbe(of model: ModelFile, pool: WorkerPool) throws(Failure) {
        do {
            let plan = try Plan(
                model, numerics: .strict, memory: .small, budget: budgeting.budget, pool: pool)
            try PlanContext(plan, pool: pool).checkProbe(of: model)
        } catch { throw Failure(error, planning: checkpoint) }
    }

    /// `base` (the preset's, or a deployed model's own), changed by the options.
    private func preprocessing(startingFrom base: Preprocessing) -> Preprocessing {
        let crop = inputSize ?? base.crop
        let preset = Preprocessing.imageNet
        let scaled =
            inputSize != nil && 1...Preprocessing.largestSide ~= crop
            ? Int((Double(crop) * Double(preset.resize) / Double(preset.crop)).rounded())
            : base.resize
        return Preprocessing(
            resize: resize ?? scaled, crop: crop, mean: mean?.values ?? base.mean,
            std: std?.values ?? base.std)
    }

    private func labels(
        for file: Checkpoint, known: [String]?
    ) throws(Failure) -> [String]? {
        let classCount = file["linear.bias"]?.elementCount ?? 0
        if let labels { return try LabelsFile.read(labels, expected: classCount) }
        return known ?? (classCount == LabelsFile.imageNet.count ? LabelsFile.imageNet : nil)
    }

    private func summary(_ result: Converter.Result) -> String {
        let network = result.model.network
        let blocks = result.model.description.blocks.sorted { $0.key < $1.key }
            .map { "\($0.value) x \($0.key)" }.joined(separator: ", ")
        let checked =
            result.verification.map {
                "verified: block error \(Text.scientific($0.worstBlock.error)) "
                    + "(\($0.worstBlock.name)), logit error \(Text.scientific($0.logits.error)), "
                    + "fast \(Text.scientific($0.fastLogits.error))"
            } ?? "folded already; there was nothing to verify"
        return """
            \(output): \(result.model.description.family), \(blocks), \(network.graph.classCount) classes
            \(checked)

            """
    }
}

/// An instruction set that this machine has.
struct PackingTarget: ExpressibleByArgument {
    let instructionSet: InstructionSet

    init?(argument: String) {
        let set = argument == "native" ? .best : InstructionSet(rawValue: argument)
        guard let set, set <= .best else { return nil }
        instructionSet = set
    }
}

/// Three numbers, one for each of red, green and blue, with commas between them.
struct ColourValues: ExpressibleByArgument {
    let values: [Float]

    init?(argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = fields.compactMap { Float($0) }
        guard fields.count == 3, values.count == 3 else { return nil }
        self.values = values
    }
}

extension Failure {
    init(_ error: ConversionError) {
        switch error {
        case .output(let error): self.init(.cannotCreate, "\(error)")
        case .checkpoint(let error): self.init(error)
        case .model(let error): self.init(error)
        default: self.init(.badData, "\(error)")
        }
    }
}

extension ConversionProgress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .folding(let index, let count, let name): "folding \(index + 1) of \(count): \(name)"
        case .verifying(let index, let count, let name):
            "verifying \(index + 1) of \(count): \(name)"
        case .probing: "running the probe picture"
        case .checksum: "computing the checkpoint's SHA-256"
        case .writing: "writing"
        }
    }
}
