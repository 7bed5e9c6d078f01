import COrepaImage
import OrepaSystem

extension ImageDecoder {
    static func decodePNG(
        _ call: DecodingCall, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> DecodedPixels {
        guard call.bytes.slice(from: 4, count: 4)?.hasPrefix("\r\n\u{1A}\n") == true else {
            throw .corrupt(.png, "expected the signature of PNG, found only its first half")
        }
        var data = try readChunksBeforeData(call, isInterrupted)
        let header = data.header
        var warnings: [ImageWarning] = []
        let image = try decodeRows(&data, call, isInterrupted, &warnings)
        try data.readEnd(isInterrupted: isInterrupted)
        try header.checkConversion(data.header)
        warnings += data.faults.map { .damaged(.png, $0) }
        if header.bitDepth == 16, header.colourType == 0, call.choices.sixteenBitGrey == .high {
            warnings.append(.sixteenBitGrey)
        }
        return DecodedPixels(image: image, warnings: warnings)
    }

    private static func readChunksBeforeData(
        _ call: DecodingCall, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> PNGImageData {
        var header = PNGHeader()
        var reader = PNGChunkReader(call.bytes)
        while true {
            if isInterrupted() { throw .interrupted }
            let chunk = try reader.next()
            let outcome = try header.read(chunk, &reader, isInterrupted: isInterrupted)
            switch outcome {
            case .passed:
                guard call.bytes.slice(from: chunk.end, count: 4) != nil else {
                    throw reader.truncated
                }
                if let fault = try reader.checksumFault(of: chunk, isInterrupted: isInterrupted) {
                    throw .corrupt(.png, fault)
                }
                reader.offset = chunk.end + 4
            case .end: throw .corrupt(.png, "expected image data, found none")
            case .imageData:
                // Of several headers the last one counts.
                _ = try call.limits.checkedByteCount(width: header.width, height: header.height)
                return PNGImageData(header, reader, chunk)
            }
        }
    }

    private static func decodeRows(
        _ data: inout PNGImageData, _ call: DecodingCall, _ isInterrupted: () -> Bool,
        _ warnings: inout [ImageWarning]
    ) throws(ImageError) -> RGBImage {
        let header = data.header
        let region = try header.checkedRegion()
        let palette = header.fullPalette
        var layout = orepa_png_layout(
            width: UInt32(region.columns.count), height: UInt32(region.rows.count),
            bit_depth: UInt8(header.bitDepth), colour_type: UInt8(header.colourType),
            is_interlaced: header.isInterlaced,
            clips_grey: call.choices.sixteenBitGrey == .pillow, palette: nil,
            stride: header.width * 3)
        let byteCount = try call.reserve(
            width: header.width, height: header.height,
            extra: Int(clamping: orepa_png_row_memory(&layout)), isInterrupted: isInterrupted)
        // Pillow puts the rows of interlaced images where they would be without a region.
        let origin =
            header.isInterlaced
            ? 0 : (region.rows.lowerBound * header.width + region.columns.lowerBound) * 3
        let isWhole =
            !header.isInterlaced && region.columns == 0..<header.width
            && region.rows == 0..<header.height
        var failure: ImageError?
        let pixels: [UInt8]
        do throws(MemoryRefusal) {
            pixels = try [UInt8](systemCount: byteCount) { target in
                // What the data have no rows for has the first colour of the palette, or is black.
                let background = PNGBackground(target: target, colour: Array(palette.prefix(3)))
                palette.withUnsafeBufferPointer { palette in
                    layout.palette = palette.baseAddress
                    withCheck(isInterrupted) { check in
                        do throws(ImageError) {
                            if !isWhole { try background.fill(from: 0, isInterrupted) }
                            var decoding = PNGRowDecoding(
                                data: data, bytes: call.bytes, limits: call.limits,
                                layout: layout)
                            let rows = try decoding.run(
                                into: target.baseAddress! + origin, check, isInterrupted)
                            if isWhole {
                                try background.fill(from: rows * header.width * 3, isInterrupted)
                            }
                            data = decoding.data
                            warnings += decoding.warnings
                        } catch { failure = error }
                    }
                }
            }
        } catch { throw .outOfMemory }
        if let failure { throw failure }
        return RGBImage(uncheckedWidth: header.width, height: header.height, pixels: pixels)
    }
}

/// Pixels of one colour.
private struct PNGBackground {
    let target: UnsafeMutableBufferPointer<UInt8>
    /// Red, green, blue.
    let colour: [UInt8]

    private static let piece = 3 << 16

    /// Fills the pixels from byte `start` on, which a pixel begins with.
    func fill(from start: Int, _ isInterrupted: () -> Bool) throws(ImageError) {
        let isGrey = colour[0] == colour[1] && colour[1] == colour[2]
        var start = start
        while start < target.count {
            if isInterrupted() { throw .interrupted }
            let end = min(start + Self.piece, target.count)
            if isGrey {
                UnsafeMutableBufferPointer(rebasing: target[start..<end])
                    .update(repeating: colour[0])
            } else {
                for index in start..<end { target[index] = colour[index % 3] }
            }
            start = end
        }
    }
}

/// The rows of a PNG, block by block.
private struct PNGRowDecoding {
    var data: PNGImageData
    let bytes: Bytes
    let limits: DecodingLimits
    var layout: orepa_png_layout
    private(set) var warnings: [ImageWarning] = []

    init(
        data: PNGImageData, bytes: Bytes, limits: DecodingLimits, layout: orepa_png_layout
    ) {
        self.data = data
        self.bytes = bytes
        self.limits = limits
        self.layout = layout
    }

    /// Writes the rows from `pixels` on.
    ///
    /// - Returns: How many rows there are, of an image that is not interlaced.
    mutating func run(
        into pixels: UnsafeMutablePointer<UInt8>, _ check: orepa_image_check,
        _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Int {
        var failure = orepa_image_error()
        guard let png = orepa_png_open(&layout, &failure) else {
            throw ImageError(.png, failure, count: bytes.count, limits)
        }
        defer { orepa_png_close(png) }
        var status = OREPA_IMAGE_MORE
        while status == OREPA_IMAGE_MORE {
            let block = try data.nextBlock(isInterrupted: isInterrupted)
            status = orepa_png_read(
                png, bytes.pointer! + block.lowerBound, block.count, pixels, check, &failure)
        }
        guard status == OREPA_IMAGE_OK else {
            throw ImageError(.png, failure, count: bytes.count, limits)
        }
        let rows = Int(orepa_png_row_count(png))
        if rows < Int(layout.height) {
            warnings.append(.damaged(.png, "the image data end before the last row"))
        }
        try checkRest(png, isInterrupted)
        return rows
    }

    /// Looks whether the checksum behind the compressed rows is right, at which Pillow looks only by chance.
    ///
    /// - Throws: ``ImageError/interrupted``.
    private mutating func checkRest(
        _ png: OpaquePointer, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        var failure = orepa_image_error()
        var ahead = data
        var status = orepa_png_drain(png, nil, 0, &failure)
        while status == OREPA_IMAGE_MORE {
            if isInterrupted() { throw .interrupted }
            let block: Range<Int>
            do throws(ImageError) {
                block = try ahead.nextBlock(isInterrupted: isInterrupted)
            } catch {
                if error == .interrupted { throw error }
                warnings.append(.damaged(.png, "the image data end before their checksum"))
                return
            }
            status = orepa_png_drain(
                png, bytes.pointer! + block.lowerBound, block.count, &failure)
        }
        if status == OREPA_IMAGE_CORRUPT {
            warnings.append(.damaged(.png, failure.text))
        }
    }
}
