/// The path of a file as the system has it: bytes, which need not be UTF-8.
public struct RawPath: Sendable, Hashable {
    /// Without the zero byte at the end.
    public let bytes: [UInt8]

    /// The path that `text` spells.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// - Parameter bytes: Up to the first zero byte, where the system ends a path.
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes.prefix { $0 != 0 }) }

    /// A path as C has it.
    public init(cString: UnsafePointer<CChar>) {
        var bytes: [UInt8] = []
        var next = cString
        while next.pointee != 0 {
            bytes.append(UInt8(bitPattern: next.pointee))
            next += 1
        }
        self.bytes = bytes
    }

    /// Calls `body` with the path as C has it.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
            body($0.baseAddress!)
        }
    }
}

extension RawPath: CustomStringConvertible {
    /// For messages: bytes that are not UTF-8 as `\xE9`, each backslash of such a path twice.
    public var description: String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            // The longest character's encoding has four bytes.
            let character = (1...4).lazy.compactMap { count -> (String, Int)? in
                guard count <= rest.count else { return nil }
                return String(validating: rest.prefix(count), as: UTF8.self).map { ($0, count) }
            }.first
            if let (scalar, count) = character {
                text += scalar == "\\" ? "\\\\" : scalar
                rest = rest.dropFirst(count)
            } else {
                let digits = String(first, radix: 16, uppercase: true)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
                rest = rest.dropFirst()
            }
        }
        return text
    }
}
