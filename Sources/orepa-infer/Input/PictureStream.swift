import Orepa
import OrepaImage
import OrepaNetwork
import OrepaSafetensors

/// Pictures read, decoded and prepared ahead of the one that the network is at, given in order.
final class PictureStream {
    enum Result: Sendable {
        case prepared(PreparedImage, warnings: [String])
        case notAnImage
        case failed(String)
    }

    private let inputs: [ImageInput]
    private let preprocessing: Preprocessing
    private let limits: DecodingLimits
    private let choices: DecodingChoices
    private let lookahead: Int
    private var pending: ArraySlice<(input: ImageInput, task: Task<Result, Never>)> = []
    private var nextInput = 0

    /// At most `lookahead` pictures are in memory at a time.
    init(
        _ inputs: [ImageInput], preprocessing: Preprocessing, decoding: DecodingOptions,
        lookahead: Int
    ) {
        self.inputs = inputs
        self.preprocessing = preprocessing
        limits = decoding.limits
        choices = decoding.choices
        self.lookahead = max(1, lookahead)
    }

    func next() async -> (ImageInput, Result)? {
        while pending.count < lookahead, nextInput < inputs.count {
            let input = inputs[nextInput]
            nextInput += 1
            let (preprocessing, limits, choices) = (preprocessing, limits, choices)
            let task = Task.detached {
                PictureStream.prepare(
                    input, preprocessing: preprocessing, limits: limits, choices: choices)
            }
            pending.append((input, task))
        }
        guard let (input, task) = pending.popFirst() else { return nil }
        return (input, await task.value)
    }

    private static func prepare(
        _ input: ImageInput, preprocessing: Preprocessing, limits: DecodingLimits,
        choices: DecodingChoices
    ) -> Result {
        do {
            let picture = try input.decoded(limits: limits, choices: choices)
            return .prepared(
                try PreparedImage(picture.image, preprocessing: preprocessing),
                warnings: picture.warnings)
        } catch is ImageInput.NotAnImage {
            return .notAnImage
        } catch {
            return .failed(ImageInput.reason(error))
        }
    }
}

extension ImageInput {
    /// The decoded picture, and a sentence for whatever is odd about it.
    func decoded(
        limits: DecodingLimits, choices: DecodingChoices
    ) throws -> (image: RGBImage, warnings: [String]) {
        let decoded = try ImageDecoder.decode(try bytes(), limits: limits, choices: choices)
        var warnings = decoded.warnings.map { warning in
            warning == .sixteenBitGrey ? "\(warning); --png16 pillow does so too" : "\(warning)"
        }
        if let orientation = decoded.exifOrientation, orientation != 1,
            !choices.appliesOrientation
        {
            warnings.append(
                "the file asks to be turned or mirrored (EXIF orientation \(orientation)); ignored, "
                    + "as in training; --exif-orientation applies it")
        }
        return (decoded.image, warnings)
    }

    /// What went wrong, without the path, which the caller prints.
    static func reason(_ error: any Error) -> String {
        switch error as? FileError {
        case .notFound: "no such file"
        case .notRegular: "expected a regular file"
        case .notReadable(_, let reason): "cannot read: \(reason)"
        case .outOfMemory(_, let byteCount): "the system refused \(byteCount) bytes of memory"
        default: "\(error)"
        }
    }
}
