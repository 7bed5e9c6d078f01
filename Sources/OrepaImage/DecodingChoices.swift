/// What decoding does where there is a choice.
public struct DecodingChoices: Sendable, Hashable {
    /// How samples of 16 bits become samples of 8 in a grey PNG without alpha. All others are reduced to their high
    /// byte, as in Pillow.
    public enum SixteenBitGrey: String, Sendable, CaseIterable {
        /// The high byte.
        case high
        /// As Pillow: what is larger than 255 becomes 255.
        case pillow
    }

    /// Whether to turn the image the way its EXIF orientation asks for.
    public var appliesOrientation: Bool
    /// What becomes of 16-bit grey samples.
    public var sixteenBitGrey: SixteenBitGrey
    /// Whether a damaged file is an error (``ImageError/damaged(_:_:)``) where Pillow reads it.
    public var refusesDamagedFiles: Bool

    /// Makes choices; what is not given has its default.
    public init(
        appliesOrientation: Bool = false, sixteenBitGrey: SixteenBitGrey = .high,
        refusesDamagedFiles: Bool = false
    ) {
        self.appliesOrientation = appliesOrientation
        self.sixteenBitGrey = sixteenBitGrey
        self.refusesDamagedFiles = refusesDamagedFiles
    }
}
