/// The first directory of a TIFF structure, which is what an EXIF block is, read as Pillow's `ImageFileDirectory_v2`
/// (`TiffImagePlugin.py`): of entries with the same tag the first that makes sense counts, others are passed over, and
/// one that is not all there ends the directory.
struct TIFFDirectory {
    /// The first value of an entry.
    enum Value: Equatable {
        case number(Double)
        /// Bytes or a text, whatever they say.
        case other
    }

    private let bytes: Bytes
    private let isLittleEndian: Bool

    /// The byte order and the number 42, or 43 in big-endian order, in which Pillow minds no mistake.
    private static let headers = ["MM\0*", "II*\0", "MM*\0", "II\0*", "MM\0+"]

    /// Bytes of a value of each type of TIFF's.
    private static let sizes = [
        1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
    ]

    /// Nil for what does not begin as TIFF does. BigTIFF Pillow does not read here.
    init?(_ bytes: Bytes) {
        guard bytes.count >= 8, Self.headers.contains(where: bytes.hasPrefix) else { return nil }
        self.bytes = bytes
        isLittleEndian = bytes.hasPrefix("II")
    }

    private func integer(_ offset: Int, _ byteCount: Int) -> Int? {
        bytes.integer(at: offset, byteCount: byteCount, isLittleEndian: isLittleEndian)
    }

    /// The first value of the entry with `tag`; nil where there is none. Costs a step for each of at most 65,535
    /// entries.
    func firstValue(of tag: Int) -> Value? {
        guard let directory = integer(4, 4), let entryCount = integer(directory, 2) else {
            return nil
        }
        // Memory: small.
        var found: Set<Int> = []
        // Bytes of values outside of entries. Pillow takes no more than there are in the block.
        var outsideCount = 0
        for index in 0..<entryCount {
            let entry = directory + 2 + index * 12
            guard let current = integer(entry, 2), let type = integer(entry + 2, 2),
                let valueCount = integer(entry + 4, 4), var place = integer(entry + 8, 4)
            else { return nil }
            guard !found.contains(current), let size = Self.sizes[type] else { continue }
            if valueCount * size > 4 {
                outsideCount += valueCount * size
                if outsideCount > bytes.count { continue }
                guard bytes.slice(from: place, count: valueCount * size) != nil else { return nil }
            } else {
                place = entry + 8
            }
            guard valueCount > 0 else { continue }
            if current == tag { return value(at: place, type: type) }
            found.insert(current)
        }
        return nil
    }

    private func value(at place: Int, type: Int) -> Value {
        let bits = integer(place, Self.sizes[type] ?? 0) ?? 0
        switch type {
        case 3, 4, 13: return .number(Double(bits))  // SHORT, LONG, IFD
        case 16: return .number(Double(UInt64(bitPattern: Int64(bits))))  // LONG8
        case 6: return .number(Double(Int8(truncatingIfNeeded: bits)))  // SBYTE
        case 8: return .number(Double(Int16(truncatingIfNeeded: bits)))  // SSHORT
        case 9: return .number(Double(Int32(truncatingIfNeeded: bits)))  // SLONG
        case 11: return .number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        case 12: return .number(Double(bitPattern: UInt64(bitPattern: Int64(bits))))
        case 5, 10:  // RATIONAL, SRATIONAL
            func part(_ offset: Int) -> Double {
                let bits = integer(place + offset, 4) ?? 0
                return type == 5 ? Double(bits) : Double(Int32(truncatingIfNeeded: bits))
            }
            // Not a number where the denominator is 0, or infinite, which is as good as none.
            return .number(part(0) / part(4))
        default: return .other  // BYTE, ASCII, UNDEFINED
        }
    }
}
