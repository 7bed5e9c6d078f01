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
        do throws(PictureFailure) { png = try crop(input, preprocessing) } catch {
            throw Failure(
                error.isRefusal ? .refused : .someImagesFailed,
                "\(input.path.printable): \(error.message)")
        }
        try OutputFile.write(png, to: output, input: image)
    }

    /// What the network sees of a picture, as PNG.
    private func crop(
        _ input: ImageInput, _ preprocessing: Preprocessing
    ) throws(PictureFailure) -> [UInt8] {
        var options = Model.Options()
        decoding.set(&options)
        let picture = try input.picture()
        let cropped: (image: RGBImage, file: PreparedPicture)
        do throws(OrepaError) {
            cropped = try PicturePreparation(preprocessing, options: options)
                .cropped(picture, name: input.path.description)
        } catch { throw PictureFailure(error) }
        let warnings = cropped.file.sentences(appliesOrientation: decoding.exifOrientation)
        for warning in warnings {
            StandardError.write("orepa-infer: warning: \(input.path.printable): \(warning)")
        }
        do throws(ImageError) { return try cropped.image.encodedAsPNG() } catch {
            throw PictureFailure(error)
        }
    }
}
