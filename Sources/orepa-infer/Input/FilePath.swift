import OrepaSafetensors

/// A file's path as the system takes it: bytes, which need not be UTF-8.
struct FilePath: Sendable {
    /// Without the NUL at the end.
    let bytes: [UInt8]

    init(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Copies a string that ends with a NUL.
    init(copying string: UnsafePointer<CChar>) {
        var bytes: [UInt8] = []
        var next = string
        while next.pointee != 0 {
            bytes.append(UInt8(bitPattern: next.pointee))
            next += 1
        }
        self.bytes = bytes
    }

    /// An argument of this program, of which `text` is what the parser made: where it is not UTF-8 the bytes are
    /// looked up among the arguments as the system gave them.
    init(argument text: String) {
        let isReplaced = text.unicodeScalars.contains("\u{FFFD}")
        self =
            (isReplaced ? ProgramArguments.all.first { $0.text == text } : nil)
            ?? FilePath(bytes: text.utf8)
    }

    /// What is not UTF-8 is replaced by U+FFFD.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// For people, and for terminals to show.
    var printable: String { bytes.escapedForPrinting() }

    /// Whether `text` leads back to the file.
    var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// The path of a file in this folder.
    func appending(_ name: some Sequence<UInt8>) -> FilePath {
        let separator: [UInt8] = bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        return FilePath(bytes: bytes + separator + name)
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
            try body($0.baseAddress!)
        }
    }
}
