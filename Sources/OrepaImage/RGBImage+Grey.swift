extension RGBImage {
    /// The image without colours, red, green and blue all the same: what Pillow's `convert("L")` gives, whatever the
    /// file is (for Pillow the conversion of anything to grey goes by way of red, green and blue).
    ///
    /// ITU-R 601-2 luma in integers: `(19595 red + 38470 green + 7471 blue + 32768) / 65536`, rounded down. Scaled
    /// and cropped afterwards, each channel is what Pillow makes of the grey image. Costs a copy.
    ///
    /// - Throws: ``ImageError/outOfMemory``.
    public func grey() throws(ImageError) -> RGBImage {
        try ImageError.checkMemory(byteCount: pixels.count)
        // Memory: checked above.
        var pixels = pixels
        for index in stride(from: 0, to: pixels.count, by: 3) {
            let luma =
                19595 * UInt32(pixels[index]) + 38470 * UInt32(pixels[index + 1])
                + 7471 * UInt32(pixels[index + 2]) + 0x8000
            let value = UInt8(truncatingIfNeeded: luma >> 16)
            pixels[index] = value
            pixels[index + 1] = value
            pixels[index + 2] = value
        }
        return RGBImage(uncheckedWidth: width, height: height, pixels: pixels)
    }
}
