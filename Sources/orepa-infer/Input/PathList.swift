import OrepaFiles
import OrepaSystem

/// A file with the paths of pictures: a line each, or each with a NUL behind it.
struct PathList {
    private let file: RawPath
    private let isNullSeparated: Bool

    /// - Parameter file: `-` is standard input.
    init(_ file: RawPath, isNullSeparated: Bool) {
        self.file = file
        self.isNullSeparated = isNullSeparated
    }

    /// The paths in their order. Empty lines are left out, and a mark of UTF-8 at the beginning.
    ///
    /// - Throws: status 66 when the file is not there, 65 when it is another kind of list.
    func paths() throws(Failure) -> [RawPath] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes =
                file.isStandardStream
                ? try InputDescriptor.standardInput().readAll()
                : try InputDescriptor.open(file).readAll()
        } catch { throw Failure(error) }
        if let oddity = oddity(of: bytes) {
            throw Failure(
                .badData,
                "\(file.isStandardStream ? "standard input" : file.description): \(oddity)")
        }
        let mark = ListLine.mark
        let text = bytes.starts(with: mark) ? bytes[mark.count...] : bytes[...]
        if isNullSeparated { return text.split(separator: 0).map(RawPath.init(bytes:)) }
        let lines = text.split(separator: UInt8(ascii: "\n")).map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }.filter { !$0.isEmpty }
        if let table = ListLine.table(lines.prefix(10)) {
            throw Failure(
                .badData, "\(file.isStandardStream ? "standard input" : file.description): \(table)"
            )
        }
        return lines.map(RawPath.init(bytes:))
    }

    /// What is not as it should be about the whole file.
    private func oddity(of bytes: [UInt8]) -> String? {
        let expected =
            "expected " + (isNullSeparated ? "paths with a NUL behind each" : "a path a line")
        let hasNull = bytes.contains(0)
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || (hasNull && PathList.isUTF16(bytes.prefix(256)))
        {
            return "\(expected), found UTF-16 text; iconv -f UTF-16 -t UTF-8 makes it readable"
        }
        if isNullSeparated {
            guard !hasNull, bytes.contains(UInt8(ascii: "\n")) else { return nil }
            return "\(expected), found lines; without --null they are read"
        }
        if hasNull { return "\(expected), found NUL between them; --null reads such a list" }
        let body = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes[...]
        if body.contains(UInt8(ascii: "\r")), !body.contains(UInt8(ascii: "\n")) {
            return
                "\(expected), found CR alone at the ends of lines; tr '\\r' '\\n' makes it readable"
        }
        return nil
    }

    /// Whether every other byte is NUL, as in UTF-16 that has no mark and holds little but ASCII.
    private static func isUTF16(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count >= 4 else { return false }
        return [0, 1].contains { parity in
            bytes.enumerated().allSatisfy { ($0.element == 0) == ($0.offset % 2 == parity) }
        }
    }
}
