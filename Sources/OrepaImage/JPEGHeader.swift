/// Reads a JPEG's segments up to its first scan as Pillow does before libjpeg sees the file, and refuses what Pillow
/// refuses there (`JpegImagePlugin.py`), where libjpeg alone would not.
///
/// Costs a step for each segment, for each byte that lies between two, and for each of some segments.
struct JPEGHeader {
    let bytes: Bytes
    private var offset = 3
    private var hasFrame = false
    /// The colour profile's segment that comes first when they are sorted; Pillow looks at its number of segments.
    private var firstProfile: Bytes?
    /// The first EXIF segment.
    private(set) var firstExif: Bytes?
    /// Bytes of all EXIF segments together, without what each but the first begins with.
    private(set) var exifCount = 0
    /// The last XMP packet.
    private(set) var xmp: Bytes?
    private var pace = InterruptionPace()

    /// - Parameter bytes: The whole file, which begins with the signature.
    init(_ bytes: Bytes) { self.bytes = bytes }

    /// Refuses the file or does nothing.
    ///
    /// - Parameters:
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    ///   - useExif: Called with one part after the other of the EXIF block, which may be in several segments.
    mutating func check(
        isInterrupted: () -> Bool, _ useExif: (Bytes) -> Void = { _ in }
    ) throws(ImageError) {
        // The last byte of the signature begins a marker.
        var current: UInt8? = 0xFF
        while let byte = current {
            try pace.check(after: 4, isInterrupted)
            guard byte == 0xFF else {
                current = next()
                continue
            }
            guard let marker = next() else { break }
            if marker == 0xDA {
                _ = try segment(isInterrupted)
                if hasFrame { return }
                throw .corrupt(.jpeg, "expected a frame before the first scan, found none")
            }
            switch marker {
            case 0xFF:
                current = 0xFF
                continue
            case 0x00: break
            case 0xC0...0xFE: try read(marker, isInterrupted, useExif)
            default: throw .corrupt(.jpeg, "unknown marker 0x" + String(marker, radix: 16))
            }
            current = next()
        }
        throw truncated
    }

    private var truncated: ImageError { .truncated(.jpeg, count: bytes.count) }

    private mutating func next() -> UInt8? {
        guard let byte = bytes.byte(at: offset) else { return nil }
        offset += 1
        return byte
    }

    /// The contents of the segment here; a length of less than its own two bytes counts as those.
    private mutating func segment(_ isInterrupted: () -> Bool) throws(ImageError) -> Bytes {
        guard let length = bytes.integer(at: offset, byteCount: 2, isLittleEndian: false),
            let contents = bytes.slice(from: offset + 2, count: max(length - 2, 0))
        else { throw truncated }
        offset += 2 + contents.count
        // Most of them are not looked at, and none costs more than this.
        try pace.check(after: contents.count, isInterrupted)
        return contents
    }

    private mutating func read(
        _ marker: UInt8, _ isInterrupted: () -> Bool, _ useExif: (Bytes) -> Void
    ) throws(ImageError) {
        switch marker {
        // Without contents, or left to libjpeg to refuse.
        case 0xC8, 0xD0...0xD9, 0xF0...0xFD: break
        case 0xC4, 0xCC, 0xDC, 0xDD, 0xDF, 0xFE: _ = try segment(isInterrupted)
        case 0xDB: try readQuantization(segment(isInterrupted))
        case 0xE1: readMetadata(try segment(isInterrupted), useExif)
        case 0xE0...0xEF: try readApplication(marker, segment(isInterrupted))
        default: try readFrame(segment(isInterrupted))
        }
    }

    private mutating func readFrame(_ frame: Bytes) throws(ImageError) {
        guard let precision = frame.byte(at: 0), let components = frame.byte(at: 5),
            frame.count % 3 == 0
        else { throw .corrupt(.jpeg, "a frame header of \(frame.count) bytes") }
        guard precision == 8 else {
            throw .unsupportedVariant(.jpeg, "\(precision)-bit samples; expected 8-bit")
        }
        guard [1, 3, 4].contains(components) else {
            throw .unsupportedVariant(
                .jpeg, "\(components) colour components; expected 1, 3 or 4")
        }
        if let firstProfile, firstProfile.count < 14 {
            throw .corrupt(.jpeg, "a colour profile's segment of \(firstProfile.count) bytes")
        }
        firstProfile = nil
        hasFrame = true
    }

    private func readQuantization(_ tables: Bytes) throws(ImageError) {
        var offset = 0
        while let kind = tables.byte(at: offset) {
            offset += 1 + (kind >> 4 == 0 ? 64 : 128)
        }
        guard offset == tables.count else {
            throw .corrupt(.jpeg, "a segment of quantization tables that ends within one")
        }
    }

    private mutating func readMetadata(_ segment: Bytes, _ useExif: (Bytes) -> Void) {
        if segment.hasPrefix("Exif\0\0") {
            let part = firstExif == nil ? segment : segment.rest(from: 6)
            if firstExif == nil { firstExif = segment }
            exifCount += part.count
            if part.count > 0 { useExif(part) }
        } else if segment.hasPrefix(Self.xmpName) {
            xmp = segment.rest(from: Self.xmpName.utf8.count)
        }
    }

    private static let xmpName = "http://ns.adobe.com/xap/1.0/\0"

    private mutating func readApplication(_ marker: UInt8, _ segment: Bytes) throws(ImageError) {
        switch marker {
        case 0xE0 where segment.hasPrefix("JFIF") && segment.count < 7,
            0xEE where segment.hasPrefix("Adobe") && segment.count < 7:
            throw .corrupt(.jpeg, "an application's segment of \(segment.count) bytes")
        case 0xE2 where segment.hasPrefix("ICC_PROFILE\0"):
            if firstProfile.map({ segment.isLess(than: $0) }) ?? true { firstProfile = segment }
        case 0xED where segment.hasPrefix("Photoshop 3.0\0"): try readPhotoshop(segment)
        default: break
        }
    }

    /// Photoshop's resources: one that ends before the length of its name is the only thing that Pillow minds.
    private func readPhotoshop(_ segment: Bytes) throws(ImageError) {
        var offset = 14
        while segment.slice(from: offset, count: 4)?.hasPrefix("8BIM") == true {
            offset += 4
            guard let code = segment.integer(at: offset, byteCount: 2, isLittleEndian: false) else {
                return
            }
            offset += 2
            guard let nameCount = segment.byte(at: offset) else {
                throw .corrupt(.jpeg, "a segment of Photoshop's that ends within a resource")
            }
            offset += 1 + Int(nameCount)
            offset += offset & 1
            guard let size = segment.integer(at: offset, byteCount: 4, isLittleEndian: false) else {
                return
            }
            offset += 4
            if code == 0x03ED, min(size, segment.count - offset) < 14 { return }
            offset += size
            offset += offset & 1
        }
    }
}
