extension RGBImage {
    /// The image without colours, red, green and blue all the same: what Pillow's `convert("L")` gives, whatever the
    /// file is (for Pillow the conversion of anything to grey goes by way of red, green and blue).
    ///
    /// ITU-R 601-2 luma in integers: `(19595 red + 38470 green + 7471 blue + 32768) / 65536`, rounded down. Scaled
    /// and cropped afterwards, each channel is what Pillow makes of the grey image. Costs a copy.
    ///
    /// - Parameter isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/outOfMemory``, ``ImageError/interrupted``.
    public func grey(isInterrupted: () -> Bool = { false }) throws(ImageError) -> RGBImage {
        RGBImage(
            uncheckedWidth: width, height: height,
            pixels: try greyPixels(isInterrupted: isInterrupted))
    }

    /// The luma of a pixel.
    @inline(__always)
    static func luma(red: UInt8, green: UInt8, blue: UInt8) -> UInt8 {
        let sum = 19595 * UInt32(red) + 38470 * UInt32(green) + 7471 * UInt32(blue) + 0x8000
        return UInt8(truncatingIfNeeded: sum >> 16)
    }
}
