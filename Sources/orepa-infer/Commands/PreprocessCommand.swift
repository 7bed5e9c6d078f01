import ArgumentParser
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaSystem

struct PreprocessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preprocess",
        abstract: "Write the picture that a network sees: resized and cropped, as PNG.",
        discussion: """
            EXAMPLES
              orepa-infer preprocess boot.jpg --output crop.png
              orepa-infer preprocess cat.jpg --preset imagenet --output - | display
            """)

    @Argument(help: "A JPEG or PNG file, or - for standard input.")
    var image: RawPath

    @Option(name: .shortAndLong, help: "Where to write the PNG, or - for standard output.")
    var output: RawPath

    @Option(
        help: "Model whose preprocessing to use; by default $OREPA_MODEL, else the built-in one.")
    var model: RawPath?

    @Option(help: "Preprocessing to use instead of a model's: imagenet.")
    var preset: Preset?

    @OptionGroup var decoding: DecodingOptions

    func validate() throws {
        guard model == nil || preset == nil else {
            throw ValidationError("Expected --model or --preset, found both.")
        }
    }

    func run() throws {
        let preprocessing: Preprocessing
        if preset == .imagenet {
            preprocessing = .imageNet
        } else {
            let source = try ModelSource(option: model)
            try source.checkTakesPictures()
            preprocessing = source.model.description.preprocessing
        }
        let input = ImageInput(argument: image)
        let png: [UInt8]
        do {
            let decoded = try input.decoded(limits: decoding.limits, choices: decoding.choices)
            for warning in decoded.warnings {
                StandardError.write("orepa-infer: warning: \(input.path.printable): \(warning)")
            }
            png = try decoded.image.cropped(as: preprocessing).encodedAsPNG()
        } catch {
            let failure = PictureFailure(error)
            throw Failure(
                failure.isRefusal ? .refused : .someImagesFailed,
                "\(input.path.printable): \(failure.message)")
        }
        try OutputFile.write(png, to: output, input: image)
    }
}
