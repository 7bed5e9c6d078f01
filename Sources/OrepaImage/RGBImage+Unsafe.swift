import COrepaImage
import OrepaSystem

extension RGBImage {
    /// Pixels of a `width` x `height` image whose pixel (x, y) is this image's number `origin + x * dx + y * dy`.
    ///
    /// - Throws: ``ImageError/outOfMemory``, ``ImageError/interrupted``.
    func gathered(
        width: Int, height: Int, origin: Int, dx: Int, dy: Int, isInterrupted: () -> Bool
    ) throws(ImageError) -> [UInt8] {
        precondition(width * height * 3 == pixels.count)
        return try withPixels { (source) throws(ImageError) in
            try Self.systemBytes(pixels.count) { (target) throws(ImageError) in
                try PixelSlices.run(
                    width: width, height: height, isInterrupted: isInterrupted
                ) { y, columns in
                    var output = target + (y * width + columns.lowerBound) * 3
                    var place = (origin + y * dy + columns.lowerBound * dx) * 3
                    for _ in columns {
                        output[0] = source[place]
                        output[1] = source[place + 1]
                        output[2] = source[place + 2]
                        output += 3
                        place += dx * 3
                    }
                }
            }
        }
    }

    /// The samples of ``grey(isInterrupted:)``.
    func greyPixels(isInterrupted: () -> Bool) throws(ImageError) -> [UInt8] {
        try withPixels { (source) throws(ImageError) in
            try Self.systemBytes(pixels.count) { (target) throws(ImageError) in
                try PixelSlices.run(
                    count: pixels.count / 3, isInterrupted: isInterrupted
                ) { range in
                    for index in range {
                        let pixel = source + 3 * index
                        let value = Self.luma(red: pixel[0], green: pixel[1], blue: pixel[2])
                        let output = target + 3 * index
                        output[0] = value
                        output[1] = value
                        output[2] = value
                    }
                }
            }
        }
    }

    /// Copies pixels that are somewhere else in memory, whose samples follow one another in another order or with gaps.
    ///
    /// - Parameters:
    ///   - base: The first pixel; `height` rows of `width` pixels, which the caller has made sure of.
    ///   - bytesPerRow: From the start of a row to that of the next.
    ///   - bytesPerPixel: From a pixel to the next.
    ///   - places: Of red, green and blue among the bytes of a pixel.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/outOfMemory``, ``ImageError/interrupted``.
    package init(
        copying base: UnsafePointer<UInt8>, width: Int, height: Int, bytesPerRow: Int,
        bytesPerPixel: Int, places: (red: Int, green: Int, blue: Int), isInterrupted: () -> Bool
    ) throws(ImageError) {
        let isSame = bytesPerPixel == 3 && places == (0, 1, 2)
        let pixels = try Self.systemBytes(width * height * 3) { (target) throws(ImageError) in
            try PixelSlices.run(
                width: width, height: height, isInterrupted: isInterrupted
            ) { y, columns in
                var output = target + (y * width + columns.lowerBound) * 3
                var input = base + y * bytesPerRow + columns.lowerBound * bytesPerPixel
                if isSame {
                    output.initialize(from: input, count: 3 * columns.count)
                    return
                }
                for _ in columns {
                    output[0] = input[places.red]
                    output[1] = input[places.green]
                    output[2] = input[places.blue]
                    output += 3
                    input += bytesPerPixel
                }
            }
        }
        try self.init(width: width, height: height, pixels: pixels)
    }

    /// As many bytes as `initialize` fills, at least 1.
    static func systemBytes(
        _ count: Int, _ initialize: (UnsafeMutablePointer<UInt8>) throws(ImageError) -> Void
    ) throws(ImageError) -> [UInt8] {
        var failure: ImageError?
        let bytes: [UInt8]
        do throws(MemoryRefusal) {
            bytes = try [UInt8](systemCount: count) { target in
                do throws(ImageError) { try initialize(target.baseAddress!) } catch {
                    failure = error
                }
            }
        } catch { throw .outOfMemory }
        if let failure { throw failure }
        return bytes
    }

    /// Calls `body` with the samples.
    private func withPixels<Value>(
        _ body: (UnsafePointer<UInt8>) throws(ImageError) -> Value
    ) throws(ImageError) -> Value {
        try pixels.withUnsafeBufferPointer { (source) throws(ImageError) in
            try body(source.baseAddress!)
        }
    }

    /// Writes what ``normalized(mean:std:)`` gives into `target`, which must hold exactly
    /// `channels * height * width` elements, initialised or not. Allocates nothing of the image's size.
    ///
    /// - Parameters:
    ///   - mean: Of each channel.
    ///   - std: Of each channel.
    ///   - target: Where the values go.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/invalidNormalization(mean:std:)``, ``ImageError/wrongBufferCount(expected:found:)`` or
    ///   ``ImageError/interrupted``.
    public func normalize(
        mean: [Float], std: [Float], into target: UnsafeMutableBufferPointer<Float>,
        isInterrupted: () -> Bool = { false }
    ) throws(ImageError) {
        let expected = width * height * mean.count
        guard target.count == expected, let output = target.baseAddress else {
            // A normalisation that makes no sense is the first thing to tell.
            _ = try Self.normalizationTable(mean: mean, std: std)
            throw .wrongBufferCount(expected: expected, found: target.count)
        }
        try normalize(
            mean: mean, std: std,
            into: StridedTensor(
                contiguous: output, channels: mean.count, height: height, width: width),
            isInterrupted: isInterrupted)
    }

    /// The same into memory whose rows need not follow one another: value (channel, y, x) is that of the pixel (x, y).
    package func normalize(
        mean: [Float], std: [Float], into target: StridedTensor,
        isInterrupted: () -> Bool = { false }
    ) throws(ImageError) {
        let table = try Self.normalizationTable(mean: mean, std: std)
        guard target.channels == mean.count, target.height == height, target.width == width else {
            throw .wrongBufferCount(expected: width * height * mean.count, found: target.count)
        }
        try write(through: table, into: target, isInterrupted: isInterrupted)
    }

    /// The samples looked up in `table`, `[channels, 256]`, into `target`; of one channel the red ones.
    ///
    /// - Throws: ``ImageError/interrupted``.
    private func write(
        through table: [Float], into target: StridedTensor, isInterrupted: () -> Bool
    ) throws(ImageError) {
        let step = target.pixelStride
        try withPixels { (pixels) throws(ImageError) in
            try table.withUnsafeBufferPointer { (table) throws(ImageError) in
                let red = table.baseAddress!
                try PixelSlices.run(
                    width: width, height: height, isInterrupted: isInterrupted
                ) { y, columns in
                    let input = pixels + 3 * y * width
                    let first = target.row(y, channel: 0)
                    guard table.count > 256 else {
                        for x in columns { first[x * step] = red[Int(input[3 * x])] }
                        return
                    }
                    let (green, blue) = (red + 256, red + 512)
                    let second = target.row(y, channel: 1)
                    let third = target.row(y, channel: 2)
                    for x in columns {
                        first[x * step] = red[Int(input[3 * x])]
                        second[x * step] = green[Int(input[3 * x + 1])]
                        third[x * step] = blue[Int(input[3 * x + 2])]
                    }
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
