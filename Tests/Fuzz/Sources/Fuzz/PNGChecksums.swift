import CFuzzer

/// Puts right the checksums of a PNG's chunks.
enum PNGChecksums {
    static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        var chunk = 8
        while chunk + 12 <= bytes.count {
            let size = (0..<4).reduce(0) { $0 << 8 | Int(bytes[chunk + $1]) }
            guard chunk + 12 + size <= bytes.count else { return }
            let checksum = fuzzer_crc32(bytes.baseAddress! + chunk + 4, size + 4)
            for index in 0..<4 {
                bytes[chunk + 8 + size + index] = UInt8(
                    truncatingIfNeeded: checksum >> (24 - 8 * index))
            }
            chunk += 12 + size
        }
    }
}
