/// What is odd about a picture that was read nevertheless.
public enum ImageWarning: Sendable, Hashable {
    /// The file is damaged, and Pillow reads it nevertheless: libjpeg warned, the end is missing, or a checksum is
    /// wrong. The message says what it is.
    case damaged(ImageFormat, String)
    /// A PNG of 16-bit grey samples, of which the high byte was taken, where Pillow clips at 255.
    case sixteenBitGrey
    /// A progressive JPEG without all its scans, read by a libjpeg older than 3, which guesses what is missing in
    /// another way than that of Pillow.
    case incompleteProgressive

    /// Whether the file is damaged, which ``DecodingChoices/refusesDamagedFiles`` is about.
    public var isDamage: Bool {
        switch self {
        case .damaged: true
        case .sixteenBitGrey, .incompleteProgressive: false
        }
    }
}

extension ImageWarning: CustomStringConvertible {
    /// A sentence without a full stop.
    public var description: String {
        switch self {
        case .damaged(let format, let message):
            "damaged \(format.displayName) image: \(message); read as Pillow reads it"
        case .sixteenBitGrey:
            "16-bit grey samples: their high bytes are used, where Pillow clips at 255"
        case .incompleteProgressive:
            "a progressive JPEG without all its scans, of which Pillow with libjpeg-turbo 3 makes other pixels"
        }
    }
}
