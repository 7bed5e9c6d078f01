/// What a file gives: its pixels, and what it says about them.
public struct DecodedImage: Sendable {
    /// The pixels; turned upright only if the decoder was told to.
    public let image: RGBImage
    /// The format that the bytes are in.
    public let format: ImageFormat
    /// The orientation that Pillow's `getexif` finds in the file, 1...8, in EXIF or XMP, applied or not; nil if there is
    /// none or it is not a valid one. What it means: ``RGBImage/oriented(by:isInterrupted:)``.
    public let exifOrientation: Int?
    /// What is odd about the file; empty for most.
    public let warnings: [ImageWarning]
}
