/// Borrowed bytes whose every access is checked against their end, in release builds too.
struct Bytes {
    /// The bytes themselves, for the C libraries.
    let buffer: UnsafeRawBufferPointer

    init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    var count: Int { buffer.count }

    /// The byte at `offset`, or nil if there is none.
    func byte(at offset: Int) -> UInt8? {
        offset >= 0 && offset < buffer.count ? buffer[offset] : nil
    }

    /// `count` bytes from `offset` on, or nil unless all are there.
    func slice(from offset: Int, count: Int) -> Bytes? {
        guard offset >= 0, offset <= buffer.count, count >= 0, count <= buffer.count - offset else {
            return nil
        }
        return Bytes(UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count]))
    }

    /// The unsigned integer of 1, 2 or 4 bytes at `offset`, or nil unless all are there.
    func integer(at offset: Int, byteCount: Int, isLittleEndian: Bool) -> Int? {
        guard let bytes = slice(from: offset, count: byteCount) else { return nil }
        var value = 0
        for index in 0..<byteCount {
            value = value << 8 | Int(bytes.buffer[isLittleEndian ? byteCount - 1 - index : index])
        }
        return value
    }

    func hasPrefix(_ prefix: String) -> Bool {
        buffer.starts(with: prefix.utf8)
    }

    /// Where the first byte `value` is, from `start` on.
    func firstIndex(of value: UInt8, from start: Int = 0) -> Int? {
        guard start >= 0, start < buffer.count else { return nil }
        return buffer[start...].firstIndex(of: value)
    }

    /// Whether the bytes come before those of `other` in a dictionary.
    func isLess(than other: Bytes) -> Bool { buffer.lexicographicallyPrecedes(other.buffer) }
}
