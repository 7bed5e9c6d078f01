import OrepaImage
import Testing

/// Each limit and each kind of refusal, provoked by a changed fixture.
@Suite struct BombTests {
    @Test func refusesHugePNG() throws {
        let bytes = try resizedPNG(width: 100_000, height: 100_000)
        #expect(
            decodingError(bytes)
                == .tooManyPixels(width: 100_000, height: 100_000, limit: 178_956_970))
        #expect(
            decodingError(bytes)?.description
                == "an image of 100000x100000 pixels; the limit is 178956970 pixels")
        let unlimited = DecodingLimits(maximumPixels: .max)
        #expect(
            decodingError(bytes, unlimited)
                == .tooMuchMemory(needed: 30_000_000_000, limit: 1_073_741_824))
        #expect(
            decodingError(try resizedPNG(width: .max, height: .max))
                == .tooManyPixels(
                    width: Int(UInt32.max), height: Int(UInt32.max), limit: 178_956_970))
        #expect(
            decodingError(
                try resizedPNG(width: .max, height: .max),
                DecodingLimits(maximumPixels: .max, maximumMemory: .max))
                == .tooManyPixels(
                    width: Int(UInt32.max), height: Int(UInt32.max), limit: .max))
    }

    @Test func refusesHugeJPEG() throws {
        var bytes = try imageFixture("baseline-420.jpg")
        try setJPEGSize(&bytes, width: 65_500, height: 65_500)
        #expect(
            decodingError(bytes)
                == .tooManyPixels(width: 65_500, height: 65_500, limit: 178_956_970))
        try setJPEGSize(&bytes, width: 65_535, height: 65_535)
        #expect(
            decodingError(bytes)
                == .tooManyPixels(width: 65_535, height: 65_535, limit: 178_956_970))
        try setJPEGSize(&bytes, width: 65_535, height: 1)
        #expect(
            decodingError(bytes)
                == .unsupportedVariant(
                    .jpeg, "Maximum supported image dimension is 65500 pixels"))
    }

    @Test func countsCoefficientsOfProgressiveJPEG() throws {
        let bytes = try imageFixture("progressive-444.jpg")
        // 451 x 300: 57 x 38 blocks of 64 coefficients of 2 bytes for each of 3 components, and the pixels.
        let needed = 57 * 38 * 128 * 3 + 451 * 300 * 3
        #expect(
            decodingError(bytes, DecodingLimits(maximumMemory: needed - 1))
                == .tooMuchMemory(needed: needed, limit: needed - 1))
        #expect(decodingError(bytes, DecodingLimits(maximumMemory: needed)) == nil)
    }

    @Test func limitsPixelsExactly() throws {
        for name in ["baseline-420.jpg", "rgb.png"] {
            let bytes = try imageFixture(name)
            let entry = try #require(manifest[name])
            let pixels = entry.width * entry.height
            #expect(decodingError(bytes, DecodingLimits(maximumPixels: pixels)) == nil)
            #expect(
                decodingError(bytes, DecodingLimits(maximumPixels: pixels - 1))
                    == .tooManyPixels(
                        width: entry.width, height: entry.height, limit: pixels - 1))
        }
    }

    @Test func limitsScans() throws {
        let bytes = try imageFixture("progressive-444.jpg")
        // Repeats the first scan, a DC refinement of nothing new, 3000 times.
        let first = try #require(marker(0xDA, in: bytes))
        let second = try #require(marker(0xDA, in: bytes, from: first + 2, orTables: true))
        let bomb =
            bytes[..<first] + Array(repeating: bytes[first..<second], count: 3000).joined()
            + bytes[first...]
        #expect(decodingError(Array(bomb)) == .tooManyScans(limit: 100))
        #expect(decodingError(bytes, DecodingLimits(maximumScans: 2)) == .tooManyScans(limit: 2))
        #expect(decodingError(bytes, DecodingLimits(maximumScans: 10)) == nil)
        let few =
            bytes[..<first] + Array(repeating: bytes[first..<second], count: 5).joined()
            + bytes[first...]
        #expect(decodingError(Array(few)) == nil)
    }

    @Test func acceptsEndedProgressiveJPEGWithFewerScans() throws {
        let bytes = try imageFixture("progressive-444.jpg")
        let first = try #require(marker(0xDA, in: bytes))
        let second = try #require(marker(0xDA, in: bytes, from: first + 2, orTables: true))
        #expect(decodingError(Array(bytes[..<second]) + [0xFF, 0xD9]) == nil)
        #expect(
            decodingError(Array(bytes[..<second])) == .truncated(.jpeg, count: second))
    }

    @Test func refusesEmptySizes() throws {
        #expect(
            decodingError(try resizedPNG(width: 0, height: 7)) == .emptyImage(width: 0, height: 7))
        #expect(
            decodingError(try resizedPNG(width: 7, height: 0)) == .emptyImage(width: 7, height: 0))
        var bytes = try imageFixture("baseline-420.jpg")
        try setJPEGSize(&bytes, width: 0, height: 9)
        #expect(decodingError(bytes) == .corrupt(.jpeg, "Empty JPEG image (DNL not supported)"))
        try setJPEGSize(&bytes, width: 9, height: 0)
        #expect(decodingError(bytes) == .corrupt(.jpeg, "Empty JPEG image (DNL not supported)"))
    }

    @Test func refusesUnsupportedJPEGs() throws {
        let bytes = try imageFixture("baseline-420.jpg")
        let frame = try #require(marker(0xC0, in: bytes))
        var deep = bytes
        deep[frame + 4] = 12
        #expect(
            decodingError(deep) == .unsupportedVariant(.jpeg, "12-bit samples; expected 8-bit"))
        var lossless = bytes
        lossless[frame + 1] = 0xC3
        #expect(
            decodingError(lossless)
                == .unsupportedVariant(
                    .jpeg,
                    "process 0xc3 (lossless or hierarchical); expected baseline, extended or progressive"
                ))
        // Two of the three components: the frame and the scan each lose one.
        var two = bytes
        let scan = try #require(marker(0xDA, in: bytes))
        two[scan + 3] -= 2
        two[scan + 4] = 2
        two.removeSubrange(scan + 9..<scan + 11)
        two[frame + 3] -= 3
        two[frame + 9] = 2
        two.removeSubrange(frame + 16..<frame + 19)
        #expect(
            decodingError(two)
                == .unsupportedVariant(.jpeg, "2 colour components; expected 1, 3 or 4"))
    }

    @Test func refusesDamagedJPEGData() throws {
        let bytes = try imageFixture("baseline-420.jpg")
        let scan = try #require(marker(0xDA, in: bytes))
        let noScan = Array(bytes[..<scan]) + [0xFF, 0xD9]
        #expect(decodingError(noScan) == .truncated(.jpeg, count: noScan.count))
        var code = bytes
        code[scan] = 0xFF
        code[scan + 1] = 0x02
        #expect(decodingError(code) == .corrupt(.jpeg, "unknown marker 0x2"))
    }

    @Test func refusesDamagedPNGs() throws {
        let bytes = try imageFixture("rgb-gamma.png")
        var ancillary = bytes
        ancillary[33 + 8] ^= 1
        #expect(decodingError(ancillary) == .corrupt(.png, "wrong checksum of chunk gAMA"))
        var header = bytes
        header[29] ^= 1
        #expect(decodingError(header) == .corrupt(.png, "wrong checksum of chunk IHDR"))
        var signature = bytes
        signature[4] = 10
        #expect(
            decodingError(signature)
                == .corrupt(.png, "expected the signature of PNG, found only its first half"))
    }

    /// 60 megabytes follow the only pixel, in 400 kilobytes: what is not needed is not unpacked for long.
    @Test func stopsReadingAfterTheLastRow() throws {
        let bytes = try imageFixture("interlaced-1x1.png")
        let data = try #require((0..<bytes.count).first { bytes[$0...].starts(with: "IDAT".utf8) })
        let head = bytes[..<(data - 4)]
        // A zlib header, and a stored block with the row: its filter and one pixel.
        let row: [UInt8] = [0x78, 0x01, 0x00, 0x04, 0x00, 0xFB, 0xFF, 0, 1, 2, 3]
        func image(runs: Int) -> [UInt8] {
            // A block in the fixed code: a zero byte, then runs of 258 bytes from one byte back.
            var bits = [0, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
            for _ in 0..<runs { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
            bits += [Int](repeating: 0, count: 8 - bits.count % 8)
            let block = stride(from: 0, to: bits.count, by: 8).map { start in
                (0..<8).reduce(UInt8(0)) { $0 | UInt8(bits[start + $1]) << UInt8($1) }
            }
            return head + pngChunk("IDAT", row + block) + pngChunk("IEND", [])
        }
        let bomb = image(runs: 250_000)
        let start = ContinuousClock.now
        let decoded = try ImageDecoder.decode(bomb)
        #expect(ContinuousClock.now - start < .milliseconds(100))
        #expect(decoded.image.pixels == [1, 2, 3])
        #expect(decoded.warnings.isEmpty)
    }

    @Test func skipsTextBombs() throws {
        let bytes = try imageFixture("rgb-gamma.png")
        // A zTXt chunk whose text is a megabyte of nothing decodable: skipped, not unpacked.
        let text =
            Array("Comment\0\0".utf8) + [0x78, 0x9C] + [UInt8](repeating: 0x55, count: 1 << 20)
        let bomb = bytes[..<33] + pngChunk("zTXt", text) + bytes[33...]
        #expect(decodingError(Array(bomb)) == nil)
    }

    /// rgb.png with another size in its header, its checksum made anew.
    private func resizedPNG(width: UInt32, height: UInt32) throws -> [UInt8] {
        let bytes = try imageFixture("rgb.png")
        let size = [width, height].flatMap { value in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        }
        return Array(bytes[..<8]) + pngChunk("IHDR", size + bytes[24..<29]) + bytes[33...]
    }

    private func setJPEGSize(_ bytes: inout [UInt8], width: UInt16, height: UInt16) throws {
        let frame = try #require(marker(0xC0, in: bytes))
        bytes[frame + 5] = UInt8(height >> 8)
        bytes[frame + 6] = UInt8(height & 255)
        bytes[frame + 7] = UInt8(width >> 8)
        bytes[frame + 8] = UInt8(width & 255)
    }
}

/// The offset of the next `code` marker; with `orTables`, of a table that comes before it.
func marker(_ code: UInt8, in bytes: [UInt8], from start: Int = 2, orTables: Bool = false) -> Int? {
    (start..<bytes.count - 1).first {
        bytes[$0] == 0xFF && (bytes[$0 + 1] == code || orTables && bytes[$0 + 1] == 0xC4)
    }
}

/// A PNG chunk with its length and checksum.
func pngChunk(_ name: String, _ contents: some Collection<UInt8>) -> [UInt8] {
    let body = Array(name.utf8) + contents
    var checksum = ~UInt32(0)
    for byte in body {
        checksum ^= UInt32(byte)
        for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
    return bigEndian(UInt32(contents.count)) + body + bigEndian(~checksum)
}
