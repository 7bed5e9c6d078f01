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
        guard !bytes.isEmpty else { throw .noBytes }
        guard let format = ImageFormat(signatureOf: bytes) else {
            throw .unknownFormat(signature: Array(bytes.prefix(8)))
        }
        let pixels: DecodedPixels
        let orientation: Int?
        switch format {
        case .jpeg:
            pixels = try decodeJPEG(Bytes(bytes), limits, isInterrupted)
            orientation = ExifOrientation.ofJPEG(Bytes(bytes))
        case .png:
            pixels = try decodePNG(Bytes(bytes), limits, choices.sixteenBitGrey, isInterrupted)
            orientation = ExifOrientation.ofPNG(Bytes(bytes))
        default:
            throw .unsupportedFormat(format)
        }
        if choices.refusesDamagedFiles {
            for case .damaged(let format, let message) in pixels.warnings {
                throw .damaged(format, message)
            }
        }
        return DecodedImage(
            image: choices.appliesOrientation
                ? pixels.image.oriented(by: orientation ?? 1) : pixels.image,
            format: format, exifOrientation: orientation, warnings: pixels.warnings)
    }
}

/// An image as it is stored, and what is odd about it.
struct DecodedPixels {
    let image: RGBImage
    let warnings: [ImageWarning]
}
