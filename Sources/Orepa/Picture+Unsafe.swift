import OrepaImage
import OrepaSafetensors
import OrepaSystem

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

    /// What the network takes: `[3, H, W]`, Float32, row-major, normalised.
    public static func tensor(_ values: [Float]) -> Picture { Picture(content: .tensor(values)) }

    /// What the network takes: `[3, H, W]`, Float32, row-major, normalised; borrowed.
    public static func tensor(borrowing values: UnsafeBufferPointer<Float>) -> Picture {
        Picture(content: .borrowedTensor(values))
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
    func read(limits: DecodingLimits) throws(OrepaError) -> Picture {
        guard case .file(let path) = content else { return self }
        do throws(FileError) {
            let file = try FileBytes(reading: path, largest: limits.maximumMemory) {
                ImageFormat(signatureOf: $0) != nil
            }
            return Picture(content: .fileBytes(file))
        } catch { throw OrepaError(error) }
    }
}

extension RGBImage {
    /// Copies borrowed pixels.
    ///
    /// - Throws: ``OrepaError/Code/invalidArgument`` when a side is not positive, rows overlap or the bytes end
    ///   early; ``OrepaError/Code/invalidImage`` for an error of `limits`.
    init(
        borrowing bytes: UnsafeRawBufferPointer, width: Int, height: Int, bytesPerRow: Int,
        order: PixelOrder, limits: DecodingLimits, name: String
    ) throws(OrepaError) {
        do throws(ImageError) {
            _ = try limits.checkedByteCount(width: width, height: height)
        } catch { throw OrepaError(error, name: name) }
        let rowCount = width * order.byteCount
        guard bytesPerRow >= rowCount else {
            throw OrepaError(
                .invalidArgument,
                "\(name): bytes per row: expected at least \(rowCount), found \(bytesPerRow)")
        }
        let (offset, overflow) = bytesPerRow.multipliedReportingOverflow(by: height - 1)
        guard !overflow, offset <= bytes.count - rowCount, let base = bytes.baseAddress else {
            let (count, tooMany) = offset.addingReportingOverflow(rowCount)
            throw OrepaError(
                .invalidArgument,
                "\(name): expected \(overflow || tooMany ? "2^63 or more" : "\(count)") bytes of pixels, "
                    + "found \(bytes.count)")
        }
        let count = width * height * 3
        let (red, green, blue) =
            switch order {
            case .rgb, .rgba: (0, 1, 2)
            case .bgr, .bgra: (2, 1, 0)
            case .grey: (0, 0, 0)
            }
        let pixels: [UInt8]
        do throws(MemoryRefusal) {
            pixels = try [UInt8](systemCount: count) { target in
                var output = target.baseAddress!
                let step = order.byteCount
                for y in 0..<height {
                    var input = (base + y * bytesPerRow).assumingMemoryBound(to: UInt8.self)
                    for _ in 0..<width {
                        output[0] = input[red]
                        output[1] = input[green]
                        output[2] = input[blue]
                        output += 3
                        input += step
                    }
                }
            }
        } catch { throw OrepaError(error) }
        do throws(ImageError) {
            try self.init(width: width, height: height, pixels: pixels)
        } catch { throw OrepaError(error, name: name) }
    }
}
