import OrepaSystem

/// Bounds on what one image may cost, checked before memory is taken: a file of a few kilobytes can claim to be
/// an image of many gigabytes.
public struct DecodingLimits: Sendable, Hashable {
    /// The most pixels, width times height, of a decoded or resized image. The default, 178,956,970, is where
    /// Pillow refuses an image as a decompression bomb.
    public var maximumPixels: Int
    /// The most bytes that pixels and the decoder's coefficients may take together: of one image, which is refused
    /// otherwise, and of all that are decoded in the process at a time, for which a call waits. A file's contents,
    /// a copy of raw pixels and the picture between the passes of scaling may each take as much beside. The default is
    /// 1 GiB.
    public var maximumMemory: Int
    /// The most scans of a JPEG. Each costs a pass over the whole image, however short it is in the file. The
    /// default is 100; encoders write about 10.
    public var maximumScans: Int
    /// The most samples of a JPEG in several scans, added up over the scans: with a few bytes each of them takes
    /// about a nanosecond. The default is 2,000,000,000: 12 scans of the largest grey image, or the usual 10 of a
    /// colour photograph of 200 megapixels.
    public var maximumScannedSamples: Int

    /// Makes limits; what is not given has its default.
    public init(
        maximumPixels: Int = 178_956_970, maximumMemory: Int = 1 << 30, maximumScans: Int = 100,
        maximumScannedSamples: Int = 2_000_000_000
    ) {
        self.maximumPixels = maximumPixels
        self.maximumMemory = maximumMemory
        self.maximumScans = maximumScans
        self.maximumScannedSamples = maximumScannedSamples
    }

    /// The limits in force when none are given.
    public static let `default` = DecodingLimits()

    /// The number of bytes of an RGB image of that size, which the system would give with `extraMemory` more.
    ///
    /// - Parameters:
    ///   - width: Columns.
    ///   - height: Rows.
    ///   - extraMemory: Bytes that are needed beside.
    ///   - copies: How many images of that size there are at a time.
    /// - Throws: ``ImageError/emptyImage(width:height:)``, ``ImageError/tooManyPixels(width:height:limit:)``, or
    ///   ``ImageError/tooMuchMemory(needed:limit:)`` if the pixels and `extraMemory` bytes exceed a limit,
    ///   ``ImageError/outOfMemory`` if the system refuses them.
    package func checkedByteCount(
        width: Int, height: Int, extraMemory: Int = 0, copies: Int = 1
    ) throws(ImageError) -> Int {
        guard width > 0, height > 0 else { throw .emptyImage(width: width, height: height) }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, pixels <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
        let (bytes, bytesOverflow) = pixels.multipliedReportingOverflow(by: 3)
        let (all, copiesOverflow) = bytes.multipliedReportingOverflow(by: copies)
        let (needed, sumOverflow) = all.addingReportingOverflow(extraMemory)
        let overflows = bytesOverflow || copiesOverflow || sumOverflow
        guard !overflows, needed <= maximumMemory else {
            throw .tooMuchMemory(needed: overflows ? .max : needed, limit: maximumMemory)
        }
        try ImageError.checkMemory(byteCount: needed)
        return bytes
    }
}

extension ImageError {
    /// Checks that the system gives that much memory: before arrays of pixels are made, which cannot fail.
    static func checkMemory(byteCount: Int) throws(ImageError) {
        do throws(MemoryRefusal) { try SystemMemory.check(byteCount: byteCount) } catch {
            throw .outOfMemory
        }
    }
}
