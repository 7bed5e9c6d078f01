import OrepaSystem

/// Bounds on what one image may cost, checked before memory is taken: a file of a few kilobytes can claim to be
/// an image of many gigabytes.
public struct DecodingLimits: Sendable, Hashable {
    /// The most pixels, width times height, of a decoded or resized image. The default, 178,956,970, is where
    /// Pillow refuses an image as a decompression bomb.
    public var maximumPixels: Int
    /// The most bytes that pixels and the decoder's coefficients may take together. The default is 1 GiB.
    public var maximumMemory: Int
    /// The most scans of a JPEG. Each costs a pass over the whole image, however short it is in the file. The
    /// default is 100; encoders write about 10.
    public var maximumScans: Int

    /// Makes limits; what is not given has its default.
    public init(
        maximumPixels: Int = 178_956_970, maximumMemory: Int = 1 << 30, maximumScans: Int = 100
    ) {
        self.maximumPixels = maximumPixels
        self.maximumMemory = maximumMemory
        self.maximumScans = maximumScans
    }

    /// The limits in force when none are given.
    public static let `default` = DecodingLimits()

    /// The number of bytes of an RGB image of that size, which the system would give with `extraMemory` more.
    ///
    /// - Throws: ``ImageError/emptyImage(width:height:)``, ``ImageError/tooManyPixels(width:height:limit:)``, or
    ///   ``ImageError/tooMuchMemory(needed:limit:)`` if the pixels and `extraMemory` bytes exceed a limit,
    ///   ``ImageError/outOfMemory`` if the system refuses them.
    package func checkedByteCount(
        width: Int, height: Int, extraMemory: Int = 0
    ) throws(ImageError) -> Int {
        guard width > 0, height > 0 else { throw .emptyImage(width: width, height: height) }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, pixels <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
        let (bytes, bytesOverflow) = pixels.multipliedReportingOverflow(by: 3)
        let (needed, sumOverflow) = bytes.addingReportingOverflow(extraMemory)
        guard !bytesOverflow, !sumOverflow, needed <= maximumMemory else {
            throw .tooMuchMemory(
                needed: bytesOverflow || sumOverflow ? .max : needed, limit: maximumMemory)
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
