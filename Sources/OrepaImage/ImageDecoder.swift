/// Decodes JPEG and PNG files into RGB pixels, to the bit as Pillow's `Image.open(...).convert("RGB")`.
///
/// JPEG: baseline, extended and progressive, Huffman or arithmetic coding, any subsampling; grey, YCbCr, RGB, CMYK
/// and YCCK (always taken as stored inverted, and converted without a profile). PNG: every colour type, bit depth
/// and interlacing; alpha and transparent colours are dropped, gamma and profiles ignored, and of 16-bit samples the
/// high byte is taken, for grey too, where Pillow would clip to white: the one exception.
///
/// The format is found by content. A file that ends early, or whose data or checksums are damaged, is an error.
/// Any number of threads may decode at once; nothing is ever printed.
public enum ImageDecoder {
    /// Decodes one image.
    ///
    /// - Parameters:
    ///   - bytes: The whole file, borrowed for the call.
    ///   - limits: What the image may cost, checked before memory for it is taken.
    ///   - applyingOrientation: Whether to turn the image the way its EXIF orientation asks for.
    /// - Throws: ``ImageError``, of every kind but those about normalising and buffers.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits = .default,
        applyingOrientation: Bool = false
    ) throws(ImageError) -> DecodedImage {
        guard !bytes.isEmpty else { throw .noBytes }
        guard let format = ImageFormat(signatureOf: bytes) else {
            throw .unknownFormat(signature: Array(bytes.prefix(8)))
        }
        let image: RGBImage
        let orientation: Int?
        switch format {
        case .jpeg:
            image = try decodeJPEG(bytes, limits)
            orientation = ExifOrientation.ofJPEG(Bytes(bytes))
        case .png:
            image = try decodePNG(bytes, limits)
            orientation = ExifOrientation.ofPNG(Bytes(bytes))
        default:
            throw .unsupportedFormat(format)
        }
        return DecodedImage(
            image: applyingOrientation ? try image.oriented(by: orientation ?? 1) : image,
            format: format, exifOrientation: orientation)
    }
}
