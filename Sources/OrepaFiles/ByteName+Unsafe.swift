import Glibc

/// A name from a file as a key: equal to another, hashed and ordered by its bytes of UTF-8.
///
/// `String` compares text by its normalised form, which makes two names of different bytes one and takes time that
/// grows with the square of a run of combining marks. A dictionary whose keys come from a file has keys of this type.
/// Comparing, hashing and ordering take time in proportion to the bytes and no memory.
public struct ByteName: Sendable {
    /// The name as it is in the file, which is not for printing; see ``description``.
    public let text: String

    /// The longest name of a tensor, a layer or a member that is read from a file, in bytes of UTF-8. A key that is
    /// made of one, with a suffix, may be longer.
    public static let largestByteCount = 4096

    public init(_ text: some StringProtocol) { self.text = String(text) }

    private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // Swift's own strings lie in one piece, and all that are read from files are Swift's own.
        if let result = text.utf8.withContiguousStorageIfAvailable({
            body(UnsafeRawBufferPointer($0))
        }) {
            return result
        }
        return Array(text.utf8).withUnsafeBytes(body)
    }
}

extension ByteName: Hashable {
    public static func == (first: ByteName, second: ByteName) -> Bool {
        first.withBytes { first in
            second.withBytes { second in
                first.count == second.count
                    && (first.isEmpty
                        || memcmp(first.baseAddress!, second.baseAddress!, first.count) == 0)
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        withBytes {
            hasher.combine($0.count)
            hasher.combine(bytes: $0)
        }
    }
}

extension ByteName: Comparable {
    public static func < (first: ByteName, second: ByteName) -> Bool {
        first.withBytes { first in
            second.withBytes { second in
                let shared = min(first.count, second.count)
                let order =
                    shared == 0 ? 0 : memcmp(first.baseAddress!, second.baseAddress!, shared)
                return order == 0 ? first.count < second.count : order < 0
            }
        }
    }
}

extension ByteName: ExpressibleByStringInterpolation {
    public init(stringLiteral text: String) { self.text = text }
}

extension ByteName: CustomStringConvertible {
    /// The name for people: see `escapedForPrinting`.
    public var description: String { text.escapedForPrinting() }
}

extension ByteName {
    /// Whether its bytes begin with those of `prefix`.
    public func hasPrefix(_ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

    /// Whether its bytes end with those of `suffix`.
    public func hasSuffix(_ suffix: String) -> Bool {
        text.utf8.reversed().starts(with: suffix.utf8.reversed())
    }
}

extension Dictionary where Key == ByteName {
    /// The value under a name that is at hand as a string.
    @inlinable
    package subscript(name: String) -> Value? {
        get { self[ByteName(name)] }
        set { self[ByteName(name)] = newValue }
    }
}
