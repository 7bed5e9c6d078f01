import Foundation
import OrepaImage
import Synchronization
import Testing

/// Whoever asks decoding or scaling to stop waits for less than 100 ms, wherever it is.
@Suite(.serialized) struct InterruptionTests {
    /// How late `body` ends which is interrupted after `delay`; nil where it was done before.
    private func lateness(
        after delay: Duration, _ body: (() -> Bool) throws(ImageError) -> Void
    ) -> Duration? {
        let end = ContinuousClock.now + delay
        let error = imageError { () throws(ImageError) in try body { ContinuousClock.now >= end } }
        return error == .interrupted ? ContinuousClock.now - end : nil
    }

    /// A grey PNG of few bytes for many pixels.
    private func largePNG(side: Int = 13_000, isInterlaced: Bool = false) throws -> [UInt8] {
        let header = [side, side].flatMap { value in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        }
        // zlib: a block in the fixed code, a zero byte and runs of 258 bytes from one byte back.
        var bits: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
        for _ in 0..<(side * (side + 2) / 258 + 1) {
            bits += [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]
        }
        bits += [UInt8](repeating: 0, count: 16 - bits.count % 8)
        let block = stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(UInt8(0)) { $0 | bits[start + $1] << UInt8($1) }
        }
        return Array(try imageFixture("rgb.png").prefix(8))
            + pngChunk("IHDR", header + [8, 0, 0, 0, isInterlaced ? 1 : 0])
            + pngChunk("IDAT", [0x78, 0x01] + block) + pngChunk("IEND", [])
    }

    /// A JPEG of 12 megapixels, of one grey, progressive or not: the data end at once, and libjpeg goes on without.
    private func largeJPEG(_ fixture: String, _ frame: UInt8) throws -> [UInt8] {
        var bytes = try imageFixture(fixture)
        let start = try #require(marker(frame, in: bytes))
        for (offset, byte) in zip(5..., [0x0B, 0xB8, 0x0F, 0xA0] as [UInt8]) {  // 3000 x 4000
            bytes[start + offset] = byte
        }
        return bytes
    }

    @Test(arguments: [10, 150])
    func decodingEndsInTime(_ milliseconds: Int) throws {
        let files = [
            try largePNG(), try largePNG(isInterlaced: true),
            try largeJPEG("baseline-420.jpg", 0xC0), try largeJPEG("progressive-444.jpg", 0xC2),
        ]
        var interrupted = 0
        for bytes in files {
            let late = lateness(after: .milliseconds(milliseconds)) {
                (isInterrupted) throws(ImageError) in
                _ = try ImageDecoder.decode(bytes, isInterrupted: isInterrupted)
            }
            if let late {
                interrupted += 1
                #expect(late < .milliseconds(100))
            }
        }
        if milliseconds <= 10 { #expect(interrupted == files.count) }
    }

    /// All that is done with the pixels of a large picture, and what is looked at of the bytes of a large file.
    @Test(arguments: [1, 30])
    func allElseEndsInTime(_ milliseconds: Int) throws {
        let side = 12_000
        let image = try RGBImage(
            width: side, height: side, pixels: [UInt8](repeating: 7, count: 3 * side * side))
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: 3 * side * side)
        defer { values.deallocate() }
        func expectInTime(_ name: String, _ work: (() -> Bool) throws(ImageError) -> Void) {
            let late = lateness(after: .milliseconds(milliseconds), work)
            #expect(late != nil, "\(name)")
            if let late { #expect(late < .milliseconds(100), "\(name)") }
        }
        expectInTime("grey") { (stop) throws(ImageError) in
            _ = try image.grey(isInterrupted: stop)
        }
        expectInTime("turned") { (stop) throws(ImageError) in
            _ = try image.oriented(by: 6, isInterrupted: stop)
        }
        expectInTime("normalised") { (stop) throws(ImageError) in
            try image.normalize(
                mean: [0, 0, 0], std: [1, 1, 1], into: values, isInterrupted: stop)
        }
    }

    /// What is looked at of the bytes of a large file: a chunk with the wrong checksum, chunks without contents, bytes
    /// between markers.
    @Test(arguments: ["chunk", "chunks", "markers"])
    func readingEndsInTime(_ kind: String) throws {
        var file = [UInt8](repeating: 1, count: 1 << 30)
        let header = Array(try imageFixture("rgb.png").prefix(33))
        switch kind {
        case "chunk":
            let count = file.count - 64
            let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
            file.replaceSubrange(0..<header.count + 8, with: header + bytes + Array("prVt".utf8))
        case "chunks":
            file.replaceSubrange(0..<header.count, with: header)
            let empty = pngChunk("prVt", [])
            var place = header.count
            while place + empty.count <= file.count {
                for index in 0..<empty.count { file[place + index] = empty[index] }
                place += empty.count
            }
        default: file.replaceSubrange(0..<4, with: [0xFF, 0xD8, 0xFF, 0x00])
        }
        for milliseconds in [1, 30] {
            let late = lateness(after: .milliseconds(milliseconds)) {
                (stop) throws(ImageError) in
                _ = try ImageDecoder.decode(file, isInterrupted: stop)
            }
            #expect(late != nil)
            if let late { #expect(late < .milliseconds(100)) }
        }
    }

    @Test(arguments: [1, 10])
    func scalingEndsInTime(_ milliseconds: Int) throws {
        let image = try RGBImage(
            width: 4000, height: 4000, pixels: [UInt8](repeating: 7, count: 48_000_000))
        let late = lateness(after: .milliseconds(milliseconds)) {
            (isInterrupted) throws(ImageError) in
            _ = try image.resizedAndCenterCropped(
                shorterSide: 2000, width: 2000, height: 2000, isInterrupted: isInterrupted)
        }
        if milliseconds == 1 { #expect(late != nil) }
        if let late { #expect(late < .milliseconds(100)) }
    }

    /// 100 scans of 1200 x 1200 samples, hardly any bytes.
    @Test func limitsSamplesOfAllScans() throws {
        let side = 1200
        func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
            [0xFF, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
        }
        let size = [UInt8(side >> 8), UInt8(side & 255)]
        var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
        bytes += segment(0xC2, [8] + size + size + [1, 1, 0x11, 0])
        let one = [1] + [UInt8](repeating: 0, count: 15)
        bytes += segment(0xC4, [0x00] + one + [0]) + segment(0xC4, [0x10] + one + [0xE0])
        var bits: [UInt8] = []
        var left = (side / 8) * (side / 8)
        while left > 0 {
            let run = max(min(left, 32_767), 1 << 14)
            bits.append(0)
            bits += (0..<14).reversed().map { UInt8((run - (1 << 14)) >> $0 & 1) }
            left -= run
        }
        bits += [UInt8](repeating: 1, count: (8 - bits.count % 8) % 8)
        let data = stride(from: 0, to: bits.count, by: 8).flatMap { start -> [UInt8] in
            let byte = (0..<8).reduce(UInt8(0)) { $0 << 1 | bits[start + $1] }
            return byte == 0xFF ? [0xFF, 0] : [byte]
        }
        for scan in 0..<100 {
            bytes += segment(0xDA, [1, 1, 0x00, 1, 63, scan == 0 ? 0x01 : 0x10]) + data
        }
        bytes += [0xFF, 0xD9]
        let samples = side * side * 100
        #expect(decodingError(bytes, DecodingLimits(maximumScannedSamples: samples)) == nil)
        let limit = samples - 1
        #expect(
            decodingError(bytes, DecodingLimits(maximumScannedSamples: limit))
                == .tooManyScannedSamples(limit: limit))
        #expect(
            decodingError(bytes, DecodingLimits(maximumScannedSamples: 1))?.description
                == "the JPEG image has more than 1 samples in all its scans, which is the limit")
    }

    /// Threads that decode at the same time wait for each other's memory, and the wait ends when it is asked to.
    @Test func memoryIsBoundedForAllThreads() async throws {
        let side = 2000
        let bytes = try largePNG(side: side)
        // Three times as much as the pixels take: room for two pictures with what they need beside.
        let limits = DecodingLimits(maximumMemory: side * side * 3 * 3)
        let most = Peak()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    _ = imageError { () throws(ImageError) in
                        try ImageDecoder.decode(bytes, limits: limits) {
                            most.note(DecodingReservation.total)
                            return false
                        }
                    }
                }
            }
        }
        #expect(most.value > side * side * 3)
        #expect(most.value <= limits.maximumMemory)
        #expect(DecodingReservation.total == 0)
    }
}

/// The largest of some numbers, from any threads.
private final class Peak: Sendable {
    private let largest = Atomic<Int>(0)

    var value: Int { largest.load(ordering: .relaxed) }

    func note(_ number: Int) { largest.max(number, ordering: .relaxed) }
}
