import COrepaImage

extension ImageDecoder {
    /// Decodes one image from an array, else as the method that takes a borrowed buffer.
    public static func decode(
        _ bytes: [UInt8], limits: DecodingLimits = .default, applyingOrientation: Bool = false
    ) throws(ImageError) -> DecodedImage {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) -> DecodedImage in
                try decode(buffer, limits: limits, applyingOrientation: applyingOrientation)
            }
        }
        return try result.get()
    }

    static func decodeJPEG(
        _ bytes: UnsafeRawBufferPointer, _ limits: DecodingLimits
    ) throws(ImageError) -> RGBImage {
        var header = orepa_jpeg_header()
        var failure = orepa_image_error()
        let maximumScans = UInt32(clamping: limits.maximumScans)
        guard
            let jpeg = orepa_jpeg_open(
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, maximumScans,
                &header, &failure)
        else {
            if failure.status == OREPA_IMAGE_TOO_LARGE {
                _ = try limits.checkedByteCount(
                    width: Int(header.width), height: Int(header.height))
            }
            throw imageError(.jpeg, failure, bytes, limits)
        }
        defer { orepa_jpeg_close(jpeg) }
        let width = Int(header.width)
        let height = Int(header.height)
        let byteCount = try limits.checkedByteCount(
            width: width, height: height, extraMemory: Int(clamping: header.coefficient_bytes))
        // Memory: checked by the limits.
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            let output = target.baseAddress!
            if header.channels == 3 {
                orepa_jpeg_read(jpeg, output, header.height, &failure)
            } else {
                readCMYK(jpeg, width: width, height: height, into: output, &failure)
            }
            count = failure.status == OREPA_IMAGE_OK ? byteCount : 0
        }
        guard failure.status == OREPA_IMAGE_OK else {
            throw imageError(.jpeg, failure, bytes, limits)
        }
        return RGBImage(uncheckedWidth: width, height: height, pixels: pixels)
    }

    /// Reads rows of inverted CMYK and converts them: with the samples as stored, red is `c * k / 255`, rounded in
    /// the way of Pillow's `Convert.c`, green and blue alike.
    private static func readCMYK(
        _ jpeg: OpaquePointer, width: Int, height: Int, into pixels: UnsafeMutablePointer<UInt8>,
        _ failure: inout orepa_image_error
    ) {
        // Memory: small, a row.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width * 4) { row in
            for y in 0..<height {
                let input = row.baseAddress!
                guard orepa_jpeg_read(jpeg, input, 1, &failure) == OREPA_IMAGE_OK else { return }
                let output = pixels + y * width * 3
                for x in 0..<width {
                    let black = Int32(input[4 * x + 3])
                    for channel in 0..<3 {
                        let product = (255 - Int32(input[4 * x + channel])) * black + 128
                        let ink = ((product >> 8) + product) >> 8
                        output[3 * x + channel] = UInt8(max(0, black - ink))
                    }
                }
            }
        }
    }

    static func decodePNG(
        _ bytes: UnsafeRawBufferPointer, _ limits: DecodingLimits
    ) throws(ImageError) -> RGBImage {
        try checkPNGHeader(Bytes(bytes), limits)
        var header = orepa_png_header()
        var failure = orepa_image_error()
        guard
            let png = orepa_png_open(
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &header,
                &failure)
        else { throw imageError(.png, failure, bytes, limits) }
        defer { orepa_png_close(png) }
        let width = Int(header.width)
        let height = Int(header.height)
        // The rows that libpng holds: the present one, the one before, and filter candidates.
        let byteCount = try limits.checkedByteCount(
            width: width, height: height, extraMemory: Int(clamping: header.row_bytes) * 4)
        // Memory: checked by the limits.
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            orepa_png_read(png, target.baseAddress, &failure)
            count = failure.status == OREPA_IMAGE_OK ? byteCount : 0
        }
        guard failure.status == OREPA_IMAGE_OK else {
            throw imageError(.png, failure, bytes, limits)
        }
        return RGBImage(uncheckedWidth: width, height: height, pixels: pixels)
    }

    /// Checks the size that the header claims before libpng, which has one wording for all that is wrong with a
    /// header, reads on.
    private static func checkPNGHeader(_ bytes: Bytes, _ limits: DecodingLimits) throws(ImageError)
    {
        guard let name = bytes.slice(from: 12, count: 4), name.hasPrefix("IHDR"),
            let width = bytes.integer(at: 16, byteCount: 4, isLittleEndian: false),
            let height = bytes.integer(at: 20, byteCount: 4, isLittleEndian: false)
        else { return }
        _ = try limits.checkedByteCount(width: width, height: height)
    }

    private static func imageError(
        _ format: ImageFormat, _ failure: orepa_image_error, _ bytes: UnsafeRawBufferPointer,
        _ limits: DecodingLimits
    ) -> ImageError {
        switch failure.status {
        case OREPA_IMAGE_TRUNCATED: .truncated(format, count: bytes.count)
        case OREPA_IMAGE_UNSUPPORTED, OREPA_IMAGE_TOO_LARGE:
            .unsupportedVariant(format, failure.text)
        case OREPA_IMAGE_TOO_MANY_SCANS: .tooManyScans(limit: limits.maximumScans)
        case OREPA_IMAGE_OUT_OF_MEMORY: .outOfMemory
        default: .corrupt(format, failure.text)
        }
    }
}
