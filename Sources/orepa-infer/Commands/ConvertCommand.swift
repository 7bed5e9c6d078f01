import ArgumentParser
import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads
import OrepaTraining

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Fold a training checkpoint, verify the result and write it as a model file.",
        discussion: """
            Reads what torch.save writes (zip or legacy) and safetensors. Nothing is written unless the folded \
            network computes what the unfused one does. Without options the preprocessing is the published \
            one for ImageNet, and a network of 1000 classes gets ImageNet's class names.

            A checkpoint holds no strides, no pooling and no epsilon. What was assumed of them is printed and recorded; \
            only --reference, logits that the training code computed, can prove it.

            EXAMPLES
              orepa-infer convert checkpoint.pth.tar resnet.safetensors
              orepa-infer convert flowers.pth flowers.safetensors --labels names.txt
              orepa-infer convert checkpoint.pth.tar resnet.safetensors --pack native
              orepa-infer convert cifar.pth cifar.safetensors --stem small --input-size 32 \\
                --reference logits.safetensors
              orepa-infer convert boots.pth boots.safetensors --input-size 160 \\
                --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25
            """)

    @Argument(help: "A training checkpoint.")
    var checkpoint: RawPath

    @Argument(help: "Where to write the model (.safetensors).")
    var output: RawPath

    @Option(help: "Text file with a class name a line, or JSON.")
    var labels: RawPath?

    @Option(help: "Preprocessing to start from: imagenet.")
    var preset = Preset.imagenet

    @Option(
        help:
            "Height and width of the network's input; alone it sets the resize to N * 256 / 224, rounded down."
    )
    var inputSize: Int?

    @Option(help: "Pixels of the shorter side before the centre crop.")
    var resize: Int?

    @Option(help: "How pictures are resized, as Pillow's filter of that name. (default: bilinear)")
    var interpolation: Preprocessing.Interpolation?

    @Option(
        parsing: .unconditional,
        help: """
            Mean of red, green, blue, or of each channel that the network takes, subtracted from values in 0...1.
            """)
    var mean: ChannelValues?

    @Option(
        parsing: .unconditional,
        help: """
            Standard deviation of red, green, blue, or of each channel, which divides what is left.
            """)
    var std: ChannelValues?

    @Option(
        name: .customLong("pack"),
        help: """
            Store the weights once more as the kernels of an instruction set read them (native, \
            \(InstructionSet.allCases.map(\.rawValue).joined(separator: ", "))), up to four times as large: \
            loading then packs nothing. Can be repeated.
            """)
    var packing: [PackingTarget] = []

    @OptionGroup var network: NetworkArguments

    @OptionGroup var verification: VerificationArguments

    @OptionGroup var proof: ReferenceArguments

    @Option(help: "How to print.")
    var format = ReportFormat.table

    @Flag(help: "Replace OUTPUT when it is there.")
    var force = false

    @OptionGroup var threading: ThreadOptions
    @OptionGroup var budgeting: BudgetOptions

    @Flag(
        inversion: .prefixedNo,
        help: """
            Where CHECKPOINT is itself a model file, first run the picture whose logits it keeps, with fast and with \
            strict numerics, and refuse it unless they are the same to the bit, before and after.
            """)
    var probe = true

    func validate() throws {
        guard !output.isStandardStream else {
            throw ValidationError(
                "OUTPUT: expected a file's path, found -, since a model is written whole or not at all"
            )
        }
        // How many channels there are is for the checkpoint to say.
        let channels = mean?.values.count ?? std?.values.count ?? 3
        let base = Preprocessing.standard(channels: channels)
        if let invalid = preprocessing(startingFrom: base).invalidField(channels: channels) {
            throw ValidationError(complaint(invalid))
        }
    }

    func run() throws {
        try OutputFile.refuse(output, sameAs: checkpoint)
        let file = try network.checkpoint(path: checkpoint)
        let recognized: RecognizedCheckpoint
        do { recognized = try RecognizedCheckpoint(file) } catch { throw Failure(error) }
        // A deployed model is a folded checkpoint; what its description says holds where no option does.
        let model = recognized.deployedModel
        let known = model?.description
        let reference = try proof.read()
        let options = network.options(recordedIn: model)
        do { _ = try recognized.trainingNetwork(options) } catch { throw Failure(error) }
        let preprocessing = try preprocessing(
            for: recognized.network, recorded: known?.preprocessing)
        var warnings = network.warnings(
            about: file, isFolded: model != nil)
        AssumptionReport.warn(warnings)
        let converter = Converter(
            options: ConversionOptions(
                labels: try labels(for: recognized.network, known: known?.labels),
                preprocessing: preprocessing,
                packing: packing.map(\.instructionSet),
                verification: verification.options(inputSize: nil, budget: budgeting.budget),
                network: options, checksProbe: probe,
                reference: reference, overwrite: force,
                tool: "orepa-infer \(toolVersion)"),
            pool: WorkerPool(threadCount: threading.count))
        let result: Converter.Result
        do {
            result = try converter.convert(recognized, to: output) { Progress.show("\($0)") }
        } catch {
            Progress.wipe()
            if format == .json {
                let report = ConversionReport.json(
                    error, checkpoint: checkpoint, warnings: warnings)
                try StandardOutput.shared.writeLine(report.text(.spaced))
            }
            throw Failure(error)
        }
        Progress.wipe()
        if let warning = result.verification.flatMap({
            ImpreciseFast.warning(of: $0, path: "\(checkpoint)")
        }) {
            AssumptionReport.warn([warning])
            warnings.append(warning)
        }
        let report = ConversionReport(
            checkpoint: checkpoint, output: output, result: result,
            given: network.given + given,
            isRecorded: known?.assumptions != nil, warnings: warnings)
        switch format {
        case .table: try StandardOutput.shared.writeText(report.text)
        case .json: try StandardOutput.shared.writeLine(report.json.text(.spaced))
        }
    }

    private func complaint(
        _ invalid: (name: String, expected: String, found: String)
    ) -> String {
        let option = invalid.name == "crop" ? "input-size" : invalid.name
        return "--\(option): expected \(invalid.expected), found \(invalid.found)"
    }

    /// What pictures of the checkpoint's channels go through.
    private func preprocessing(
        for network: RecognizedNetwork, recorded: Preprocessing?
    ) throws(Failure) -> Preprocessing {
        let channels = network.inputChannels
        let preprocessing = preprocessing(
            startingFrom: recorded ?? .standard(channels: channels))
        if let invalid = preprocessing.invalidField(channels: channels) {
            throw Failure(
                .usage,
                complaint(invalid) + "; \(checkpoint) takes pictures of \(channels) "
                    + (channels == 1 ? "channel" : "channels"))
        }
        return preprocessing
    }

    /// The options about preprocessing that were given.
    private var given: [String] {
        [
            inputSize == nil ? nil : "--input-size", mean == nil ? nil : "--mean",
            std == nil ? nil : "--std", interpolation == nil ? nil : "--interpolation",
        ].compactMap(\.self)
    }

    /// `base` (the preset's, or a deployed model's own), changed by the options.
    private func preprocessing(startingFrom base: Preprocessing) -> Preprocessing {
        let crop = inputSize ?? base.crop
        let preset = Preprocessing.imageNet
        let scaled =
            inputSize != nil && 1...Preprocessing.largestSide ~= crop
            ? preset.resize(forCrop: crop) : base.resize
        return Preprocessing(
            resize: resize ?? scaled, crop: crop, mean: mean?.values ?? base.mean,
            std: std?.values ?? base.std, interpolation: interpolation ?? base.interpolation)
    }

    private func labels(
        for network: RecognizedNetwork, known: [String]?
    ) throws(Failure) -> [String]? {
        let classCount = network.classCount
        if let labels { return try LabelsFile.read(labels, expected: classCount) }
        return known ?? (classCount == LabelsFile.imageNet.count ? LabelsFile.imageNet : nil)
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

extension Preprocessing.Interpolation: ExpressibleByArgument {}

/// A number for each channel, such as red, green and blue, with commas between them.
struct ChannelValues: ExpressibleByArgument {
    let values: [Float]

    init?(argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = fields.compactMap { Float($0) }
        guard values.count == fields.count else { return nil }
        self.values = values
    }
}

extension Failure {
    init(_ error: ConversionError) {
        switch error {
        case .output(let error):
            self.init(error.isRefusal ? .refused : .cannotCreate, "\(error)")
        case .checkpoint(let error): self.init(error)
        case .model(let error): self.init(error)
        case .plan(let path, let error): self.init(error, planning: path)
        case .reference(let error): self.init(error)
        case .library: self.init(.unavailable, "\(error)")
        default: self.init(error.isRefusal ? .refused : .badData, "\(error)")
        }
    }
}

extension ConversionProgress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .folding(let index, let count, let name): "folding \(index + 1) of \(count): \(name)"
        case .verifying(let index, let count, let name):
            "verifying \(index + 1) of \(count): \(name)"
        case .reference: "running the reference's pictures"
        case .probing: "running the probe picture"
        case .checksum: "computing the checkpoint's SHA-256"
        case .writing: "writing"
        }
    }
}
