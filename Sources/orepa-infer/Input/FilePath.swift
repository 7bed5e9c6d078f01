/// A file's path as the system takes it: bytes, which need not be UTF-8.
struct FilePath: Sendable {
    /// Without the NUL at the end.
    let bytes: [UInt8]

    init(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// An argument of this program, of which `text` is what the parser made: where it is not UTF-8 the bytes are
    /// looked up among the arguments as the system gave them.
    init(argument text: String) {
        self = FilePath.arguments.first { $0.text == text } ?? FilePath(bytes: text.utf8)
    }

    /// For people: what is not UTF-8 is replaced.
    var text: String { String(decoding: bytes, as: UTF8.self) }

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

    private static let arguments: [FilePath] = (0..<Int(CommandLine.argc)).compactMap { index in
        CommandLine.unsafeArgv[index].map { argument in
            var bytes: [UInt8] = []
            var next = argument
            while next.pointee != 0 {
                bytes.append(UInt8(bitPattern: next.pointee))
                next += 1
            }
            return FilePath(bytes: bytes)
        }
    }
}
