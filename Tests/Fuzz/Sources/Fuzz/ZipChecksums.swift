import CFuzzer

/// Puts right the checksums of a zip file's stored members.
enum ZipChecksums {
    static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        // All members together may be as long as the file, so that this takes time in proportion to it.
        var rest = bytes.count
        var entry = 0
        while let found = find([0x50, 0x4B, 1, 2], in: bytes, from: entry),
            found + 46 <= bytes.count
        {
            entry = found + 4
            let size = integer(bytes, found + 24, 4)
            let header = integer(bytes, found + 42, 4)
            guard header + 30 <= bytes.count else { continue }
            let start =
                header + 30 + integer(bytes, header + 26, 2) + integer(bytes, header + 28, 2)
            guard size <= rest, start + size <= bytes.count else { continue }
            rest -= size
            let checksum = fuzzer_crc32(bytes.baseAddress! + start, size)
            store(checksum, bytes, found + 16)
            // Zero where a descriptor behind the contents has it.
            if integer(bytes, header + 14, 4) != 0 { store(checksum, bytes, header + 14) }
            let descriptor = start + size
            if descriptor + 8 <= bytes.count, integer(bytes, descriptor, 4) == 0x0807_4B50 {
                store(checksum, bytes, descriptor + 4)
            }
        }
    }

    private static func find(
        _ signature: [UInt8], in bytes: UnsafeMutableRawBufferPointer, from start: Int
    ) -> Int? {
        guard start + signature.count <= bytes.count else { return nil }
        return (start...bytes.count - signature.count).first { position in
            signature.indices.allSatisfy { bytes[position + $0] == signature[$0] }
        }
    }

    private static func integer(
        _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int, _ count: Int
    ) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private static func store(
        _ value: UInt32, _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int
    ) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }
}
