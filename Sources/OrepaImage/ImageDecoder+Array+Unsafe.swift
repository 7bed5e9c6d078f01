import COrepaImage

extension ImageDecoder {
    /// Decodes one image from an array, else as the method that takes a borrowed buffer.
    public static func decode(
        _ bytes: [UInt8], limits: DecodingLimits = .default,
        choices: DecodingChoices = DecodingChoices(), isInterrupted: () -> Bool = { false }
    ) throws(ImageError) -> DecodedImage {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) -> DecodedImage in
                try decode(buffer, limits: limits, choices: choices, isInterrupted: isInterrupted)
            }
        }
        return try result.get()
    }

    /// The libraries that decode and encode, with their versions at run time.
    public static var libraries: String {
        // Memory: small.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            orepa_image_libraries(text.baseAddress, text.count)
            return String(cString: text.baseAddress!)
        }
    }
}

/// Calls `body` with a check that asks `isInterrupted`.
func withCheck<Value>(
    _ isInterrupted: () -> Bool, _ body: (orepa_image_check) -> Value
) -> Value {
    withoutActuallyEscaping(isInterrupted) { closure in
        withUnsafePointer(to: closure) { pointer in
            body(
                orepa_image_check(
                    is_interrupted: { context in
                        context!.assumingMemoryBound(to: (() -> Bool).self).pointee()
                    }, context: UnsafeRawPointer(pointer)))
        }
    }
}

extension ImageError {
    /// - Parameter count: Bytes of the file.
    init(
        _ format: ImageFormat, _ failure: orepa_image_error, count: Int, _ limits: DecodingLimits
    ) {
        switch failure.status {
        case OREPA_IMAGE_TRUNCATED: self = .truncated(format, count: count)
        case OREPA_IMAGE_UNSUPPORTED, OREPA_IMAGE_TOO_LARGE:
            self = .unsupportedVariant(format, failure.text)
        case OREPA_IMAGE_TOO_MANY_SCANS: self = .tooManyScans(limit: limits.maximumScans)
        case OREPA_IMAGE_TOO_MANY_SCANNED_SAMPLES:
            self = .tooManyScannedSamples(limit: limits.maximumScannedSamples)
        case OREPA_IMAGE_OUT_OF_MEMORY: self = .outOfMemory
        case OREPA_IMAGE_INTERRUPTED: self = .interrupted
        default: self = .corrupt(format, failure.text)
        }
    }
}

extension Bytes {
    /// Where the bytes are, for C.
    var pointer: UnsafePointer<UInt8>? {
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }
}
