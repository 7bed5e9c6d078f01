/// A position within a range of a file's bytes, from which fixed-size values are taken in order.
///
/// Every access is checked against the end of the range: what would reach beyond it gives nil and leaves the
/// position as it was.
package struct ByteReader: Sendable {
    package let file: FileBytes
    /// Offset within the file of the next byte to be read.
    @inlinable package var position: Int { cursor }
    @usableFromInline var cursor: Int
    /// Offset within the file of the first byte that may not be read.
    package let end: Int

    /// Reads `range` of `file`, clamped to the file.
    @inlinable
    package init(_ file: FileBytes, in range: Range<Int>) {
        self.file = file
        cursor = min(max(range.lowerBound, 0), file.count)
        end = min(max(range.upperBound, cursor), file.count)
    }

    @inlinable
    package init(_ file: FileBytes) { self.init(file, in: 0..<file.count) }

    /// Number of bytes that are left.
    @inlinable
    package var remaining: Int { end - cursor }

    /// The next byte, which stays the next one.
    @inlinable
    package func peek() -> UInt8? {
        guard cursor < end else { return nil }
        return file.bytes[cursor]
    }

    @inlinable
    package mutating func byte() -> UInt8? {
        guard cursor < end else { return nil }
        defer { cursor += 1 }
        return file.bytes[cursor]
    }

    /// The next bytes as an integer that is stored with its least significant byte first.
    @inlinable
    package mutating func littleEndian<T: FixedWidthInteger>(_ type: T.Type) -> T? {
        guard remaining >= MemoryLayout<T>.size else { return nil }
        defer { cursor += MemoryLayout<T>.size }
        return T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: cursor, as: T.self))
    }

    /// The next bytes as an integer that is stored with its most significant byte first.
    @inlinable
    package mutating func bigEndian<T: FixedWidthInteger>(_ type: T.Type) -> T? {
        littleEndian(type).map(\.byteSwapped)
    }

    /// Steps over `count` bytes and says where they are within the file.
    @inlinable
    package mutating func take(_ count: Int) -> Range<Int>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { cursor += count }
        return cursor..<cursor + count
    }

    /// Steps over the bytes before the next `terminator`, and over it; says where the bytes are.
    @inlinable
    package mutating func take(until terminator: UInt8) -> Range<Int>? {
        var index = cursor
        while index < end {
            if file.bytes[index] == terminator {
                defer { cursor = index + 1 }
                return cursor..<index
            }
            index += 1
        }
        return nil
    }
}

extension FileBytes {
    /// A copy of the bytes in `range`, clamped to the file.
    package func copy(_ range: Range<Int>) -> [UInt8] {
        Array(bytes[range.clamped(to: 0..<count)])
    }

    /// The bytes in `range` as text, or nil when they are not UTF-8.
    package func string(_ range: Range<Int>) -> String? {
        String(validating: bytes[range.clamped(to: 0..<count)], as: UTF8.self)
    }

    /// Whether the bytes from `offset` on begin with `prefix`.
    @inlinable
    package func hasBytes(_ prefix: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, offset <= count, prefix.count <= count - offset else { return false }
        for index in prefix.indices where bytes[offset + index] != prefix[index] { return false }
        return true
    }
}
