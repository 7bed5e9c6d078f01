/// An image that cannot be decoded, or an operation on one that cannot be done.
///
/// No case holds a path: whoever read the bytes knows it and puts it before the sentence.
public enum ImageError: Error, Hashable, Sendable {
    /// There are no bytes.
    case noBytes
    /// The first bytes, at most eight, are no known signature.
    case unknownFormat(signature: [UInt8])
    /// An image of a format that is recognised and not decoded.
    case unsupportedFormat(ImageFormat)
    /// A JPEG or PNG of a kind that is not decoded; the message says what was found and expected.
    case unsupportedVariant(ImageFormat, String)
    /// The bytes, `count` of them, end before the image does.
    case truncated(ImageFormat, count: Int)
    /// The bytes contradict the format, so that Pillow does not read them either; the message is the decoder's.
    case corrupt(ImageFormat, String)
    /// The file is damaged and Pillow reads it, but ``DecodingChoices/refusesDamagedFiles`` is set; the message is
    /// that of ``ImageWarning/damaged(_:_:)``.
    case damaged(ImageFormat, String)
    /// A side is zero or negative.
    case emptyImage(width: Int, height: Int)
    /// More pixels than ``DecodingLimits/maximumPixels``.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// More bytes than ``DecodingLimits/maximumMemory``. `needed` is `Int.max` if it does not fit an `Int`.
    case tooMuchMemory(needed: Int, limit: Int)
    /// More scans than ``DecodingLimits/maximumScans``.
    case tooManyScans(limit: Int)
    /// More samples in all scans together than ``DecodingLimits/maximumScannedSamples``.
    case tooManyScannedSamples(limit: Int)
    /// The caller asked to stop.
    case interrupted
    /// The system gave the decoder no memory.
    case outOfMemory
    /// The number of bytes given as pixels is not width times height times 3.
    case wrongPixelCount(width: Int, height: Int, found: Int)
    /// A mean or standard deviation that is not three finite numbers, or a standard deviation of zero.
    case invalidNormalization(mean: [Float], std: [Float])
    /// The buffer for a result holds too few or too many elements.
    case wrongBufferCount(expected: Int, found: Int)
}

extension ImageError: CustomStringConvertible {
    /// A sentence without a full stop that says what was expected and what was found.
    public var description: String {
        switch self {
        case .noBytes:
            "no bytes; expected a JPEG or PNG image"
        case .unknownFormat(let signature):
            "not a known image format: expected JPEG or PNG, found a file that begins with "
                + Self.hexadecimal(signature)
        case .unsupportedFormat(let format):
            "\(format.displayName) images are not supported; expected JPEG or PNG"
        case .unsupportedVariant(let format, let message):
            "unsupported \(format.displayName) image: \(message)"
        case .truncated(let format, let count):
            "truncated \(format.displayName) image: it ends after \(count) bytes, before its data do"
        case .corrupt(let format, let message):
            "corrupt \(format.displayName) image: \(message)"
        case .damaged(let format, let message):
            "damaged \(format.displayName) image: \(message)"
        case .emptyImage(let width, let height):
            "an image of \(width)x\(height) pixels; expected at least 1x1"
        case .tooManyPixels(let width, let height, let limit):
            "an image of \(width)x\(height) pixels; the limit is \(limit) pixels"
        case .tooMuchMemory(let needed, let limit):
            "the image needs \(needed) bytes of memory; the limit is \(limit)"
        case .tooManyScans(let limit):
            "the JPEG image has more than \(limit) scans, which is the limit"
        case .tooManyScannedSamples(let limit):
            "the JPEG image has more than \(limit) samples in all its scans, which is the limit"
        case .interrupted:
            "decoding was interrupted"
        case .outOfMemory:
            "out of memory"
        case .wrongPixelCount(let width, let height, let found):
            "an image of \(width)x\(height) pixels needs \(width) x \(height) x 3 bytes; found \(found)"
        case .invalidNormalization(let mean, let std):
            "expected three finite numbers each, the deviations not zero; found mean \(mean), "
                + "standard deviation \(std)"
        case .wrongBufferCount(let expected, let found):
            "expected a buffer of \(expected) elements; found \(found)"
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
