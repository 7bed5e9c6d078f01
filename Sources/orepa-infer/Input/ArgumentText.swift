/// Arguments as the parser has them: text, which cannot hold bytes that are not UTF-8. In the parser's text a character for
/// private use stands for each such byte, and whoever takes a path turns it into the byte again.
enum ArgumentText {
    /// The byte's character is this one and the byte, U+10FF80 to U+10FFFF.
    private static let base: UInt32 = 0x10FF00
    private static let characters = (base + 0x80)...(base + 0xFF)

    /// The text for an argument's bytes. The bytes of characters that stand for bytes are spelled too.
    static func encoded(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: { characters ~= $0.value })
        {
            return text
        }
        var result = String.UnicodeScalarView()
        var rest = bytes[...]
        while let first = rest.first {
            // The longest character's encoding has four bytes.
            let character = (1...min(4, rest.count)).lazy.compactMap { count in
                String(validating: rest.prefix(count), as: UTF8.self)?.unicodeScalars.first
            }.first
            if let character, !(characters ~= character.value) {
                result.append(character)
                rest = rest.dropFirst(UTF8.width(character))
            } else {
                result.append(Unicode.Scalar(base + UInt32(first))!)
                rest = rest.dropFirst()
            }
        }
        return String(result)
    }

    /// The bytes of an argument, or of a sentence that quotes one.
    static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if characters ~= scalar.value {
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else {
                bytes += UTF8.encode(scalar)!
            }
        }
        return bytes
    }
}
