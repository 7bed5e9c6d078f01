import OrepaSystem

/// Decodes JPEG and PNG files into RGB pixels, to the bit as Pillow 13.0.0's `Image.open(...).convert("RGB")` with
/// its defaults, of damaged files too: where Pillow gives pixels these are the same, and what is damaged is told as a
/// warning (``DecodedImage/warnings``); where Pillow raises an error there is an error. The exceptions stand in
/// docs/pictures.md.
///
/// JPEG: baseline, extended and progressive, Huffman or arithmetic coding, any subsampling; grey, YCbCr, RGB, CMYK
/// and YCCK (always taken as stored inverted, and converted without a profile). PNG: every colour type, bit depth
/// and interlacing; alpha and transparent colours are dropped, gamma and profiles ignored. Of an animation the first
/// picture.
///
/// The format is found by content. Any number of threads may decode at once; nothing is ever printed.
public enum ImageDecoder {
    /// The version of Pillow whose pixels these are.
    public static let referencePillowVersion = "13.0.0"

    /// Decodes one image.
    ///
    /// - Parameters:
    ///   - bytes: The whole file, borrowed for the call.
    ///   - limits: What the image may cost, checked before memory for it is taken.
    ///   - choices: What to do where there is a choice.
    ///   - isInterrupted: Asked often, between rows and between rows of blocks of each scan; true ends the call with
    ///     ``ImageError/interrupted``.
    /// - Throws: ``ImageError``, of every kind but those about normalising and buffers.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits = .default,
        choices: DecodingChoices = DecodingChoices(), isInterrupted: () -> Bool = { false }
    ) throws(ImageError) -> DecodedImage {
        try withDecoded(bytes, limits: limits, choices: choices, isInterrupted: isInterrupted) {
            $0
        }
    }

    /// Decodes one image and calls `body` with it. Until that has returned, the image's memory counts as part of what
    /// the limits allow to all threads together.
    ///
    /// - Parameter body: Must not decode another image.
    package static func withDecoded<Value>(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, choices: DecodingChoices,
        isInterrupted: () -> Bool, _ body: (DecodedImage) throws(ImageError) -> Value
    ) throws(ImageError) -> Value {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard !bytes.isEmpty else { throw .noBytes }
        guard let format = ImageFormat(signatureOf: bytes) else {
            throw .unknownFormat(signature: Array(bytes.prefix(8)))
        }
        let bytes = Bytes(bytes)
        let orientation: Int?
        switch format {
        case .jpeg:
            var header = JPEGHeader(bytes)
            try header.check(isInterrupted: isInterrupted)
            orientation = try header.orientation(isInterrupted: isInterrupted)
        case .png:
            let metadata = try PNGMetadata(bytes, isInterrupted: isInterrupted)
            orientation = try metadata.orientation(isInterrupted: isInterrupted)
        default: throw .unsupportedFormat(format)
        }
        let turning = choices.appliesOrientation ? orientation ?? 1 : 1
        let call = DecodingCall(
            bytes: bytes, limits: limits, choices: choices, copies: turning == 1 ? 1 : 2)
        let pixels =
            format == .jpeg
            ? try decodeJPEG(call, isInterrupted) : try decodePNG(call, isInterrupted)
        defer { withExtendedLifetime(call.reservation) {} }
        if choices.refusesDamagedFiles {
            for case .damaged(let format, let message) in pixels.warnings {
                throw .damaged(format, message)
            }
        }
        if isInterrupted() { throw .interrupted }
        return try body(
            DecodedImage(
                image: try pixels.image.oriented(by: turning, isInterrupted: isInterrupted),
                format: format, exifOrientation: orientation, warnings: pixels.warnings))
    }
}

/// What belongs to the decoding of one image.
struct DecodingCall {
    /// The whole file.
    let bytes: Bytes
    let limits: DecodingLimits
    let choices: DecodingChoices
    /// How many times the pixels are in memory: twice while an image is turned.
    let copies: Int
    let reservation = DecodingReservation()

    /// Takes the memory for an image of that size, and `extra` bytes.
    ///
    /// - Returns: The number of bytes of its pixels.
    func reserve(
        width: Int, height: Int, extra: Int, isInterrupted: () -> Bool
    ) throws(ImageError) -> Int {
        let count = try limits.checkedByteCount(
            width: width, height: height, extraMemory: extra, copies: copies)
        try reservation.take(
            count * copies + extra, limit: limits.maximumMemory, isInterrupted: isInterrupted)
        return count
    }
}

/// An image as it is stored, and what is odd about it.
struct DecodedPixels {
    let image: RGBImage
    let warnings: [ImageWarning]
}
