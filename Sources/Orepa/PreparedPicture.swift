import OrepaImage

/// What a picture's file says beside its pixels.
public struct PreparedPicture: Sendable, Hashable {
    /// What is odd about the file: that it is damaged, or that its pixels are not those that Pillow would give. Empty for
    /// most, and for what is no file.
    public let warnings: [ImageWarning]
    /// The orientation that the file asks for, 1...8, applied (``Model/Options/appliesExifOrientation``) or not; nil where
    /// it says nothing.
    public let exifOrientation: Int?

    /// Of what is no file.
    static let pixels = PreparedPicture(warnings: [], exifOrientation: nil)
}
