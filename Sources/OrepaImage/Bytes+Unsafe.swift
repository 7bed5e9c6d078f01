import Glibc

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

    /// The unsigned integer of at most 8 bytes at `offset`, of 8 as a bit pattern, or nil unless all are there.
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

    func equals(_ text: String) -> Bool { buffer.elementsEqual(text.utf8) }

    /// Whether the bytes are UTF-8 of Unicode scalars.
    ///
    /// - Parameter isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    func isUTF8(isInterrupted: () -> Bool) throws(ImageError) -> Bool {
        var pace = InterruptionPace()
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = buffer.makeIterator()
        while true {
            try pace.check(after: 8, isInterrupted)
            switch parser.parseScalar(from: &iterator) {
            case .valid: continue
            case .emptyInput: return true
            case .error: return false
            }
        }
    }

    /// The first `count` bytes, or as many as there are.
    func first(_ count: Int) -> Bytes {
        Bytes(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]))
    }

    /// All bytes from `start` on, none where that is behind the end.
    func rest(from start: Int) -> Bytes {
        Bytes(UnsafeRawBufferPointer(rebasing: buffer[min(start, buffer.count)...]))
    }

    /// Where the first byte `value` is, from `start` on.
    ///
    /// - Parameter isInterrupted: Asked before each part of the bytes; true ends the call with
    ///   ``ImageError/interrupted``.
    func firstIndex(
        of value: UInt8, from start: Int = 0, isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        try firstIndex(of: [value], from: start, isInterrupted: isInterrupted)
    }

    /// Where the bytes `pattern`, at least one, are first, from `start` on.
    func firstIndex(
        of pattern: [UInt8], from start: Int = 0, isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        guard start >= 0, let base = buffer.baseAddress else { return nil }
        var pace = InterruptionPace()
        var start = start
        while start <= buffer.count - pattern.count {
            let count = min(buffer.count - pattern.count + 1 - start, Self.searchedPart)
            guard let found = memchr(base + start, Int32(pattern[0]), count) else {
                try pace.check(after: count / 4, isInterrupted)
                start += count
                continue
            }
            let place = UnsafeRawPointer(found) - base
            if buffer[place...].starts(with: pattern) { return place }
            try pace.check(after: (place - start) / 4 + 16, isInterrupted)
            start = place + 1
        }
        return nil
    }

    /// Bytes after which the caller is asked whether to go on.
    private static let searchedPart = 1 << 20

    /// Whether the bytes come before those of `other` in a dictionary.
    func isLess(than other: Bytes) -> Bool { buffer.lexicographicallyPrecedes(other.buffer) }
}
