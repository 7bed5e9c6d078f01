import Orepa
import OrepaImage
import OrepaNetwork
import OrepaSafetensors

/// Pictures read, decoded and prepared ahead of the one that the network is at, given in order.
final class PictureStream {
    enum Result: Sendable {
        case prepared(PreparedImage, warning: String?)
        case notAnImage
        case failed(String)
    }

    private let inputs: [ImageInput]
    private let preprocessing: Preprocessing
    private let limits: DecodingLimits
    private let appliesOrientation: Bool
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
        appliesOrientation = decoding.exifOrientation
        self.lookahead = max(1, lookahead)
    }

    func next() async -> (ImageInput, Result)? {
        while pending.count < lookahead, nextInput < inputs.count {
            let input = inputs[nextInput]
            nextInput += 1
            let (preprocessing, limits, appliesOrientation) = (
                preprocessing, limits, appliesOrientation
            )
            let task = Task.detached {
                PictureStream.prepare(
                    input, preprocessing: preprocessing, limits: limits,
                    appliesOrientation: appliesOrientation)
            }
            pending.append((input, task))
        }
        guard let (input, task) = pending.popFirst() else { return nil }
        return (input, await task.value)
    }

    private static func prepare(
        _ input: ImageInput, preprocessing: Preprocessing, limits: DecodingLimits,
        appliesOrientation: Bool
    ) -> Result {
        do {
            let picture = try input.decoded(limits: limits, appliesOrientation: appliesOrientation)
            return .prepared(
                try PreparedImage(picture.image, preprocessing: preprocessing),
                warning: picture.warning)
        } catch is ImageInput.NotAnImage {
            return .notAnImage
        } catch {
            return .failed(ImageInput.reason(error))
        }
    }
}

extension ImageInput {
    /// The decoded picture, and a warning when it asks for a rotation that it does not get.
    func decoded(
        limits: DecodingLimits, appliesOrientation: Bool
    ) throws -> (image: RGBImage, warning: String?) {
        let decoded = try ImageDecoder.decode(
            try bytes(), limits: limits, applyingOrientation: appliesOrientation)
        guard let orientation = decoded.exifOrientation, orientation != 1, !appliesOrientation
        else {
            return (decoded.image, nil)
        }
        return (
            decoded.image,
            "\(path): the file asks to be turned or mirrored (EXIF orientation \(orientation)); ignored, "
                + "as in training; --exif-orientation applies it"
        )
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
