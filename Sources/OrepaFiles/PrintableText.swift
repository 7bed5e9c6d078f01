// Names of files, tensors and layers, labels and whatever else somebody else has written may hold bytes that a
// terminal obeys. All that goes into a sentence or a table goes through here; JSON and CSV have escapes of their own.

extension StringProtocol {
    /// The text with an escape sequence for each character that a terminal would obey or that would hide or reorder
    /// what is beside it: control characters (C0, DEL, C1), the separators of lines and paragraphs, and marks that
    /// change the direction of text. `\n`, `\r`, `\t` stand for the usual ones, `\u{202e}` for others. Backslashes stay,
    /// so escaping what is escaped changes nothing.
    ///
    /// - Parameter limit: Bytes of UTF-8 of the text after which it is cut, with `...` for the rest.
    /// - Complexity: Time and memory in proportion to the text, at most `limit`.
    public func escapedForPrinting(limit: Int = .max) -> String {
        if utf8.allSatisfy({ 0x20...0x7E ~= $0 }), utf8.count <= limit { return String(self) }
        var result = ""
        var count = 0
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= limit else { return result + "..." }
            if scalar.isPrintable {
                result.unicodeScalars.append(scalar)
            } else {
                result += scalar.escapeSequence
            }
        }
        return result
    }

    /// The text in backquotes, escaped, and cut after 200 bytes: how sentences quote names.
    package var quoted: String { "`\(escapedForPrinting(limit: 200))`" }
}

extension Collection<UInt8> where Index == Int {
    /// The bytes as text, escaped in the same way; `\xFF` for a byte that is not UTF-8.
    public func escapedForPrinting() -> String {
        var result = ""
        var index = startIndex
        while index < endIndex {
            let width =
                switch self[index] {
                case 0..<0x80: 1
                case 0xC2..<0xE0: 2
                case 0xE0..<0xF0: 3
                default: 4
                }
            if width <= endIndex - index,
                let text = String(validating: self[index..<index + width], as: UTF8.self)
            {
                result += text.escapedForPrinting()
                index += width
            } else {
                result += "\\x" + hexadecimal(UInt32(self[index]), digits: 2)
                index += 1
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether it shows as itself and does nothing to what is beside it.
    fileprivate var isPrintable: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0: false
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F, 0xFEFF: false
        default: true
        }
    }

    fileprivate var escapeSequence: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{" + hexadecimal(value, digits: 1) + "}"
        }
    }
}

private func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: Swift.max(digits - text.utf8.count, 0)) + text
}
