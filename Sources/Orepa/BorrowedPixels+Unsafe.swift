import OrepaImage

/// Raw pixels of a caller's, known to lie within its memory.
struct BorrowedPixels {
    private let base: UnsafeRawPointer
    private let width: Int
    private let height: Int
    private let bytesPerRow: Int
    private let order: PixelOrder

    /// - Throws: ``OrepaError/Code/invalidArgument`` when a side is not positive, rows overlap or the bytes end
    ///   early; ``OrepaError/Code/invalidImage`` for an error of `limits`.
    init(
        _ bytes: UnsafeRawBufferPointer, width: Int, height: Int, bytesPerRow: Int,
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
        self.base = base
        self.width = width
        self.height = height
        self.bytesPerRow = bytesPerRow
        self.order = order
    }

    /// A copy of them.
    ///
    /// - Throws: ``ImageError/outOfMemory``, ``ImageError/interrupted``.
    func image(isInterrupted: () -> Bool) throws(ImageError) -> RGBImage {
        try RGBImage(
            copying: base.assumingMemoryBound(to: UInt8.self), width: width, height: height,
            bytesPerRow: bytesPerRow, bytesPerPixel: order.byteCount, places: order.places,
            isInterrupted: isInterrupted)
    }
}

extension PixelOrder {
    /// Where red, green and blue are among the bytes of a pixel.
    fileprivate var places: (red: Int, green: Int, blue: Int) {
        switch self {
        case .rgb, .rgba: (0, 1, 2)
        case .bgr, .bgra: (2, 1, 0)
        case .grey: (0, 0, 0)
        }
    }
}
