import OrepaFiles
import OrepaImage
import OrepaPlan
import OrepaSystem
import OrepaThreads

/// A picture as a caller has it.
///
/// What is borrowed must stay where it is until the call that it is given to returns; for an `async` call until that
/// has been awaited. No padding is demanded.
public struct Picture: @unchecked Sendable {
    enum Content {
        case file(RawPath)
        case fileBytes(FileBytes)
        case encoded([UInt8])
        case borrowedEncoded(UnsafeRawBufferPointer)
        case image(RGBImage)
        case pixels(UnsafeRawBufferPointer, width: Int, height: Int, bytesPerRow: Int, PixelOrder)
        case tensor([Float])
        case borrowedTensor(UnsafeBufferPointer<Float>)
    }

    let content: Content
    /// When to give up this picture alone: looked at while it is read, decoded and prepared, beside the limits of the call.
    /// The others of the call are answered nevertheless.
    public var limits = CallLimits()

    private init(content: Content) { self.content = content }

    /// The JPEG or PNG file at `path`. Read, not mapped.
    public static func file(_ path: String) -> Picture { file(RawPath(path)) }

    /// The same for a path that need not be UTF-8.
    public static func file(_ path: RawPath) -> Picture { Picture(content: .file(path)) }

    /// The bytes of a JPEG or PNG file.
    public static func encoded(_ bytes: [UInt8]) -> Picture {
        Picture(content: .encoded(bytes))
    }

    /// The bytes of a JPEG or PNG file, borrowed.
    public static func encoded(borrowing bytes: UnsafeRawBufferPointer) -> Picture {
        Picture(content: .borrowedEncoded(bytes))
    }

    /// A decoded picture.
    public static func image(_ image: RGBImage) -> Picture { Picture(content: .image(image)) }

    /// Raw pixels of 8-bit samples, borrowed.
    ///
    /// - Parameters:
    ///   - bytes: `height` rows, from the top; the last may end with its last pixel.
    ///   - width: Columns, at least 1.
    ///   - height: Rows, at least 1.
    ///   - bytesPerRow: From the start of a row to that of the next; nil where rows follow each other without a gap.
    ///   - order: How the samples of a pixel follow one another.
    public static func pixels(
        borrowing bytes: UnsafeRawBufferPointer, width: Int, height: Int, bytesPerRow: Int? = nil,
        order: PixelOrder = .rgb
    ) -> Picture {
        let packed = width.multipliedReportingOverflow(by: order.byteCount)
        return Picture(
            content: .pixels(
                bytes, width: width, height: height,
                bytesPerRow: bytesPerRow ?? (packed.overflow ? .max : packed.partialValue), order))
    }

    /// What the network takes: `[channels, H, W]`, Float32, row-major, normalised.
    public static func tensor(_ values: [Float]) -> Picture { Picture(content: .tensor(values)) }

    /// What the network takes: `[channels, H, W]`, Float32, row-major, normalised; borrowed.
    public static func tensor(borrowing values: UnsafeBufferPointer<Float>) -> Picture {
        Picture(content: .borrowedTensor(values))
    }

    var isTensor: Bool {
        switch content {
        case .tensor, .borrowedTensor: true
        case .file, .fileBytes, .encoded, .borrowedEncoded, .image, .pixels: false
        }
    }

    /// What messages call it: a file by its path, others by their `place` in the call.
    func name(place: Int) -> String {
        switch content {
        case .file(let path): path.description
        case .fileBytes(let file): file.path
        default: "picture \(place)"
        }
    }

    /// The same with its file read; of a file that is no picture by content only the first bytes. Larger files than
    /// what a picture may take in memory are refused.
    ///
    /// - Parameter callLimits: When to end early, with the error that says so; the picture's own among them.
    func read(
        limits decodingLimits: DecodingLimits, callLimits: CallLimits
    ) throws(OrepaError) -> Picture {
        guard case .file(let path) = content else { return self }
        do throws(FileError) {
            let file = try FileBytes(
                reading: path, largest: decodingLimits.maximumMemory,
                isInterrupted: { callLimits.areReached },
                isWanted: { ImageFormat(signatureOf: $0) != nil })
            var read = Picture(content: .fileBytes(file))
            read.limits = limits
            return read
        } catch { throw try OrepaError(error, limits: callLimits) }
    }
}
