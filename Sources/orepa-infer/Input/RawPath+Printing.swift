import OrepaFiles
import OrepaSystem

extension RawPath {
    /// Whether it stands for standard input or output.
    var isStandardStream: Bool { bytes == [UInt8(ascii: "-")] }

    /// What is not UTF-8 is replaced by U+FFFD.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// For people, and for terminals to show.
    var printable: String { bytes.escapedForPrinting() }

    /// Whether `text` leads back to the file.
    var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// The path of a file in this folder.
    func appending(_ name: some Sequence<UInt8>) -> RawPath {
        let separator: [UInt8] = bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        return RawPath(bytes: bytes + separator + name)
    }
}
