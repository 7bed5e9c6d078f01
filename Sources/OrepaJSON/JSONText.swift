/// How a JSON text is laid out.
package enum JSONLayout: Sendable {
    /// On one line, with a space after `,` and `:`, for people.
    case spaced
    /// Without spaces, and without the `.0` of a number that has no other fraction.
    case compact
}

extension JSONValue {
    /// The value on one line, its keys in their order.
    package func text(_ layout: JSONLayout) -> String {
        var text = ""
        write(to: &text, layout)
        return text
    }

    private func write(to text: inout String, _ layout: JSONLayout) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number):
            if layout == .compact, number.text.hasSuffix(".0") {
                text += number.text.dropLast(2)
            } else {
                text += number.text
            }
        case .string(let value): text.appendQuoted(value)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += layout == .spaced ? ", " : "," }
                value.write(to: &text, layout)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += layout == .spaced ? ", " : "," }
                text.appendQuoted(member.0)
                text += layout == .spaced ? ": " : ":"
                member.1.write(to: &text, layout)
            }
            text += "}"
        }
    }
}

extension String {
    /// Appends `string` in quotes, with escape sequences for quotes, backslashes and control characters.
    mutating func appendQuoted(_ string: String) {
        self += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": self += "\\\""
            case "\\": self += "\\\\"
            case "\n": self += "\\n"
            case "\r": self += "\\r"
            case "\t": self += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                self += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: unicodeScalars.append(scalar)
            }
        }
        self += "\""
    }
}
