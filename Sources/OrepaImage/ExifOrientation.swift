/// Finds the EXIF orientation in a JPEG or PNG.
///
/// Purely a courtesy: whatever is missing, damaged or out of range means that there is none, never an error. Costs
/// one step for each segment or chunk.
enum ExifOrientation {
    /// The orientation, 1...8, in the first EXIF segment before a JPEG's first scan.
    ///
    /// - Throws: ``ImageError/interrupted``.
    static func ofJPEG(_ bytes: Bytes, isInterrupted: () -> Bool) throws(ImageError) -> Int? {
        var offset = 2
        var pace = InterruptionPace()
        while let marker = try nextMarker(bytes, &offset, &pace, isInterrupted) {
            switch marker {
            case 0x01, 0xD0...0xD8: continue
            case 0xD9, 0xDA: return nil
            default: break
            }
            guard let length = bytes.integer(at: offset, byteCount: 2, isLittleEndian: false),
                length >= 2,
                let segment = bytes.slice(from: offset + 2, count: length - 2)
            else { return nil }
            if marker == 0xE1, segment.hasPrefix("Exif\0\0") { return ofTIFF(segment) }
            offset += length
        }
        return nil
    }

    /// The orientation, 1...8, in the first eXIf chunk of a PNG.
    ///
    /// - Throws: ``ImageError/interrupted``.
    static func ofPNG(_ bytes: Bytes, isInterrupted: () -> Bool) throws(ImageError) -> Int? {
        var offset = 8
        var pace = InterruptionPace()
        while let length = bytes.integer(at: offset, byteCount: 4, isLittleEndian: false),
            let name = bytes.slice(from: offset + 4, count: 4),
            let contents = bytes.slice(from: offset + 8, count: length), !name.hasPrefix("IEND")
        {
            if name.hasPrefix("eXIf") { return ofTIFF(contents) }
            offset += length + 12
            try pace.check(after: stepsOfChunk, isInterrupted)
        }
        return nil
    }

    /// What reading the beginning of a chunk costs, in nanoseconds.
    private static let stepsOfChunk = 64

    /// Skips to the byte after the next 0xFF that a marker follows, and to the one after the marker.
    private static func nextMarker(
        _ bytes: Bytes, _ offset: inout Int, _ pace: inout InterruptionPace,
        _ isInterrupted: () -> Bool
    ) throws(ImageError) -> UInt8? {
        var previous: UInt8 = 0
        while let byte = bytes.byte(at: offset) {
            try pace.check(after: 4, isInterrupted)
            offset += 1
            if previous == 0xFF, byte != 0xFF, byte != 0 { return byte }
            previous = byte
        }
        return nil
    }

    /// The orientation in the first directory of the TIFF structure that an EXIF block is.
    private static func ofTIFF(_ block: Bytes) -> Int? {
        var tiff = block
        while tiff.hasPrefix("Exif\0\0"), let rest = tiff.slice(from: 6, count: tiff.count - 6) {
            tiff = rest
        }
        let isLittleEndian: Bool
        if tiff.hasPrefix("II*\0") {
            isLittleEndian = true
        } else if tiff.hasPrefix("MM\0*") {
            isLittleEndian = false
        } else {
            return nil
        }
        func integer(_ offset: Int, _ byteCount: Int) -> Int? {
            tiff.integer(at: offset, byteCount: byteCount, isLittleEndian: isLittleEndian)
        }
        guard let directory = integer(4, 4), let entryCount = integer(directory, 2) else {
            return nil
        }
        for index in 0..<entryCount {
            let entry = directory + 2 + index * 12
            guard let tag = integer(entry, 2), let type = integer(entry + 2, 2),
                let valueCount = integer(entry + 4, 4)
            else { return nil }
            guard tag == 0x0112 else { continue }
            let byteCounts = [1: 1, 3: 2, 4: 4]  // BYTE, SHORT, LONG
            guard valueCount == 1, let byteCount = byteCounts[type],
                let value = integer(entry + 8, byteCount), (1...8).contains(value)
            else { return nil }
            return value
        }
        return nil
    }
}
