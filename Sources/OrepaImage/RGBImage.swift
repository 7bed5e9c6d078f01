/// An 8-bit RGB image in memory.
///
/// The one form that pixels have between decoding and normalisation. Pixels from elsewhere than a file come in by
/// ``init(width:height:pixels:)``.
public struct RGBImage: Sendable, Hashable {
    /// Number of columns, at least 1.
    public let width: Int
    /// Number of rows, at least 1.
    public let height: Int
    /// The samples, `[height, width, 3]`, rows from the top, each pixel red, green, blue.
    public let pixels: [UInt8]

    /// Takes `pixels`, `[height, width, 3]`, without copying them.
    ///
    /// - Throws: ``ImageError/emptyImage(width:height:)`` or
    ///   ``ImageError/wrongPixelCount(width:height:found:)``.
    public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
        guard width > 0, height > 0 else { throw .emptyImage(width: width, height: height) }
        let (area, areaOverflow) = width.multipliedReportingOverflow(by: height)
        let (count, countOverflow) = area.multipliedReportingOverflow(by: 3)
        guard !areaOverflow, !countOverflow, count == pixels.count else {
            throw .wrongPixelCount(width: width, height: height, found: pixels.count)
        }
        self.init(uncheckedWidth: width, height: height, pixels: pixels)
    }

    /// For results whose size holds by construction.
    init(uncheckedWidth width: Int, height: Int, pixels: [UInt8]) {
        assert(pixels.count == width * height * 3)
        self.width = width
        self.height = height
        self.pixels = pixels
    }
}
