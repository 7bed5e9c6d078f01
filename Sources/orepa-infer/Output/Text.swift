import OrepaFiles

/// Small pieces of formatting that `String(format:)` would need all of Foundation for.
enum Text {
    /// `value` with `digits` decimals, rounded half away from zero.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard value.magnitude * scale < 1e15 else { return "\(value)" }
        let scaled = Int((value.magnitude * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int(scale))
        return "\(sign)\(scaled / Int(scale))."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// Two significant digits with an exponent, such as `3.1e-07`; `0` for zero.
    static func scientific(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
        var exponent = 0
        var mantissa = value.magnitude
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        if mantissa >= 9.95 { (mantissa, exponent) = (1, exponent + 1) }
        let digits = String(exponent.magnitude)
        return (value < 0 ? "-" : "") + fixed(mantissa, 1) + "e" + (exponent < 0 ? "-" : "+")
            + (digits.count < 2 ? "0" : "") + digits
    }

    /// The beginning of `text`, where it is longer than a sentence should be.
    static func bounded(_ text: String) -> String {
        text.utf8.count <= mostBytes
            ? text : String(decoding: text.utf8.prefix(mostBytes), as: UTF8.self) + "..."
    }

    /// Most bytes of a message: two paths as long as the system has them, and some words.
    static let mostBytes = 9000

    /// Text from a file, as sentences quote it.
    static func quoted(_ text: String) -> String { "`\(text.escapedForPrinting(limit: 100))`" }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Cells that are longer are shown whole and set no column's width, so that one long name does not make every
    /// other row as long.
    private static let widestColumn = 60

    /// Rows as columns two spaces apart, escaped for terminals; `rightAligned` lists the columns of numbers.
    static func table(_ rows: [[String]], rightAligned: Set<Int>) -> String {
        guard let columns = rows.map(\.count).max() else { return "" }
        let rows = rows.map { row in row.map { $0.escapedForPrinting() } }
        let widths = (0..<columns).map { column in
            rows.lazy.map { column < $0.count ? $0[column].count : 0 }
                .filter { $0 <= widestColumn }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                if column > 0 { line += "  " }
                line +=
                    rightAligned.contains(column)
                    ? right(cell, widths[column]) : left(cell, widths[column])
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
