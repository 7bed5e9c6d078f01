import OrepaSystem

/// A command line that names pictures, taken apart: what the parser has to look at, and the pictures, which may be
/// many and need not be UTF-8.
///
/// The parser takes time that grows with the square of the number of arguments of one kind.
struct PictureArguments {
    /// With one argument in place of all pictures but standard input.
    private(set) var forParser: [String] = []
    private(set) var pictures: [RawPath] = []

    /// Nil where `arguments` belong to another command than `classify`.
    ///
    /// - Parameter otherCommands: Names of the other commands.
    init?(_ arguments: [RawPath], otherCommands: Set<String>) {
        var rest = arguments[...]
        if let first = rest.first {
            if otherCommands.contains(first.text) { return nil }
            if first.text == ClassifyCommand.configuration.commandName {
                forParser.append(first.text)
                rest.removeFirst()
            }
        }
        var takesValue: [String: Bool] = [:]
        while let argument = rest.popFirst() {
            let text = ArgumentText.encoded(argument.bytes)
            if text == "--" {
                pictures += rest
                break
            }
            guard text.utf8.first == UInt8(ascii: "-"), text != "-" else {
                pictures.append(argument)
                continue
            }
            forParser.append(text)
            if text.utf8.contains(UInt8(ascii: "=")) { continue }
            if takesValue[text] == nil { takesValue[text] = PictureArguments.takesValue(text) }
            if takesValue[text] == true, let value = rest.popFirst() {
                forParser.append(ArgumentText.encoded(value.bytes))
            }
        }
        guard !pictures.isEmpty else { return }
        let standardInputs = pictures.lazy.filter { $0.isStandardStream }.prefix(2).map(\.text)
        forParser += ["--"] + standardInputs
        if pictures.contains(where: { !$0.isStandardStream }) { forParser.append("pictures") }
    }

    /// Whether the argument behind `option` belongs to it, which the parser says when there is none.
    private static func takesValue(_ option: String) -> Bool {
        do {
            _ = try ClassifyCommand.parse(["picture", option])
            return false
        } catch {
            return ClassifyCommand.message(for: error).hasPrefix("Missing value for '\(option)")
        }
    }
}
