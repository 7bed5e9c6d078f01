import OrepaImage
import Testing

/// What is read of large files before and behind the image ends in time: 20 ms are promised, a loaded machine gets five
/// times as much. Without a look at the deadline each of these files takes 300 ms or more longer.
@Suite(.serialized) struct ReadingInterruptionTests {
    private static let size = 150 << 20

    private func repeated(_ unit: [UInt8], between head: [UInt8], and tail: [UInt8]) -> [UInt8] {
        let count = Self.size / unit.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + count * unit.count + tail.count)
        bytes += head
        for _ in 0..<count { bytes += unit }
        return bytes + tail
    }

    private func expectInTime(_ bytes: [UInt8]) {
        for milliseconds in [1, 10, 60] {
            let end = ContinuousClock.now + .milliseconds(milliseconds)
            let error = imageError { () throws(ImageError) in
                try ImageDecoder.decode(bytes) { ContinuousClock.now >= end }
            }
            let late = ContinuousClock.now - end
            #expect(error == .interrupted)
            #expect(late < .milliseconds(100))
        }
    }

    private func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0xFF, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
    }

    @Test(arguments: ["comments", "fill", "tables", "profiles", "resources", "EXIF"])
    func jpegEndsInTime(_ kind: String) throws {
        let bytes = try imageFixture("one-pixel.jpg")
        let resource = Array("8BIM".utf8) + [4, 4, 0, 0, 0, 0, 0, 0]
        let resources = Array(Array(repeating: resource, count: 5000).joined())
        let unit: [UInt8] =
            switch kind {
            case "comments": segment(0xFE, [])
            case "fill": [0xFF]
            case "tables": segment(0xC4, [0, 1] + [UInt8](repeating: 0, count: 16))
            case "profiles":
                segment(
                    0xE2, Array("ICC_PROFILE\0".utf8) + [UInt8](repeating: 0, count: 65_000))
            case "resources":
                segment(0xED, Array("Photoshop 3.0\0".utf8) + resources)
            default: segment(0xE1, Array("Exif\0\0a".utf8))
            }
        expectInTime(repeated(unit, between: Array(bytes[..<2]), and: Array(bytes[2...])))
    }

    @Test(arguments: ["text", "text behind", "transparency", "compressed text", "profile", "empty"])
    func pngEndsInTime(_ kind: String) throws {
        let bytes = try imageFixture("interlaced-1x1.png")
        let emptyBlock: [UInt8] = [0, 0, 0, 0xFF, 0xFF]
        let (name, head, unit): (String, [UInt8], [UInt8]) =
            switch kind {
            case "transparency": ("tRNS", [0], [0xFF])
            case "compressed text": ("zTXt", Array("key\0\0".utf8) + [0x78, 1], emptyBlock)
            case "profile": ("iCCP", Array("name\0\0".utf8) + [0x78, 1], emptyBlock)
            case "empty": ("tEXt", [], pngChunk("tEXt", []))
            default: ("tEXt", [], Array("a".utf8))
            }
        let at = kind.hasSuffix("behind") ? bytes.count - 12 : 33
        var start = Array(bytes[..<at])
        if kind == "transparency" {  // an image with a palette
            start = Array(bytes[..<8]) + pngChunk("IHDR", bytes[16..<24] + [8, 3, 0, 0, 0])
        }
        if kind == "empty" {
            return expectInTime(repeated(unit, between: start, and: Array(bytes[at...])))
        }
        let count = head.count + Self.size / unit.count * unit.count
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        expectInTime(
            repeated(
                unit, between: start + length + Array(name.utf8) + head,
                and: [0, 0, 0, 0] + Array(bytes[at...])))
    }
}
