import COrepaImage

extension RGBImage {
    /// Pixels of a `width` x `height` image whose pixel (x, y) is this image's number `origin + x * dx + y * dy`.
    func gathered(
        width: Int, height: Int, origin: Int, dx: Int, dy: Int
    ) throws(ImageError) -> [UInt8] {
        let byteCount = pixels.count
        try ImageError.checkMemory(byteCount: byteCount)
        precondition(width * height * 3 == byteCount)
        // Memory: checked above.
        return [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            pixels.withUnsafeBufferPointer { source in
                var output = target.baseAddress!
                for y in 0..<height {
                    var input = source.baseAddress! + (origin + y * dy) * 3
                    for x in 0..<width {
                        output[0] = input[0]
                        output[1] = input[1]
                        output[2] = input[2]
                        output += 3
                        if x + 1 < width { input += dx * 3 }
                    }
                }
            }
            count = byteCount
        }
    }

    /// Writes what ``normalized(mean:std:)`` gives into `target`, which must hold exactly
    /// `3 * height * width` elements, initialised or not. Allocates nothing of the image's size.
    ///
    /// - Throws: ``ImageError/invalidNormalization(mean:std:)`` or
    ///   ``ImageError/wrongBufferCount(expected:found:)``.
    public func normalize(
        mean: [Float], std: [Float], into target: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {
        let table = try Self.normalizationTable(mean: mean, std: std)
        guard target.count == pixels.count, let output = target.baseAddress else {
            throw .wrongBufferCount(expected: pixels.count, found: target.count)
        }
        write(through: table, into: output)
    }

    /// The samples looked up in `table`, `[3, 256]`, into `output`, `[3, height, width]`.
    func write(through table: [Float], into output: UnsafeMutablePointer<Float>) {
        let area = width * height
        pixels.withUnsafeBufferPointer { source in
            table.withUnsafeBufferPointer { table in
                let input = source.baseAddress!
                let red = table.baseAddress!
                let green = red + 256
                let blue = green + 256
                for index in 0..<area {
                    output[index] = red[Int(input[3 * index])]
                    output[area + index] = green[Int(input[3 * index + 1])]
                    output[2 * area + index] = blue[Int(input[3 * index + 2])]
                }
            }
        }
    }

    /// The image as an 8-bit RGB PNG without any metadata, the same bytes for the same pixels and libpng.
    ///
    /// - Throws: ``ImageError/tooManyPixels(width:height:limit:)`` if a side exceeds what PNG can say,
    ///   ``ImageError/outOfMemory`` if there is none.
    public func encodedAsPNG() throws(ImageError) -> [UInt8] {
        guard let width = Int32(exactly: width), let height = Int32(exactly: height) else {
            throw .tooManyPixels(width: width, height: height, limit: Int(Int32.max))
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        var failure = orepa_image_error()
        let status = pixels.withUnsafeBufferPointer {
            orepa_png_write(
                $0.baseAddress, UInt32(width), UInt32(height), &bytes, &count, &failure)
        }
        defer { orepa_png_free(bytes) }
        guard status == OREPA_IMAGE_OK else {
            throw status == OREPA_IMAGE_OUT_OF_MEMORY
                ? .outOfMemory : .corrupt(.png, failure.text)
        }
        try ImageError.checkMemory(byteCount: count)
        // Memory: checked above.
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }
}
