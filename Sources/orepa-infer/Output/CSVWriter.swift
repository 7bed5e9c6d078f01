import OrepaFiles

/// Writes lines of RFC 4180, which may end in LF alone.
struct CSVWriter {
    enum Cell {
        /// Bytes as they are, but quoted where the format asks for it.
        case text([UInt8])
        case number(String)

        static func text(_ text: String) -> Cell { .text(Array(text.utf8)) }
    }

    /// What a line ends with: LF is what the tools of Unix read, CR LF what the RFC has.
    let lineEnd: String
    /// Whether texts that spreadsheets take for formulas get an apostrophe before them.
    let isSafe: Bool

    private static let formula = Set("=+-@\t\r".utf8)
    private static let special = Set(",\"\n\r".utf8)

    func line(_ cells: [Cell]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, cell) in cells.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            switch cell {
            case .number(let text): line += text.utf8
            case .text(var text):
                if isSafe, let first = text.first, CSVWriter.formula.contains(first) {
                    text.insert(UInt8(ascii: "'"), at: 0)
                }
                guard text.contains(where: CSVWriter.special.contains) else {
                    line += text
                    continue
                }
                line.append(UInt8(ascii: "\""))
                for byte in text {
                    if byte == UInt8(ascii: "\"") { line.append(byte) }
                    line.append(byte)
                }
                line.append(UInt8(ascii: "\""))
            }
        }
        return line + lineEnd.utf8
    }
}
