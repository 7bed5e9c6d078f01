import OrepaFiles
import OrepaJSON

/// Class names in JSON: a list of names; an object of numbers and names, either way round; an object of numbers and
/// pairs of an identifier and a name; or a configuration that holds one under `id2label` or `label2id`.
struct LabelsDocument {
    private let value: JSONValue

    /// Why a document is no list of names.
    struct Mismatch: Error {
        let sentence: String
    }

    /// Nil where `file` holds lines of text: it does not begin with `{` or `[`, or its first line is a word in brackets,
    /// such as `[unknown]`, and the whole of it no JSON.
    init?(_ file: FileBytes) throws(Mismatch) {
        let start = file.hasBytes(ListLine.mark, at: 0) ? ListLine.mark.count : 0
        let firstLine = LabelsDocument.firstLine(of: file, from: start)
        guard let bracket = firstLine.first,
            bracket == UInt8(ascii: "{") || bracket == UInt8(ascii: "[")
        else { return nil }
        do throws(JSONError) { value = try JSONValue(parsing: file, from: start) } catch {
            if LabelsDocument.isWordInBrackets(firstLine) { return nil }
            throw Mismatch(
                sentence:
                    "expected JSON, as it begins with `\(Character(Unicode.Scalar(bracket)))`; \(error)"
            )
        }
    }

    private static let blanks = Set(" \t\r\n".utf8)

    /// The first line that is not blank, without blanks around it.
    private static func firstLine(of file: FileBytes, from start: Int) -> [UInt8] {
        file.withBytes { bytes in
            let line = bytes[start...].drop { blanks.contains($0) }
                .prefix { $0 != UInt8(ascii: "\n") }
            let end = line.lastIndex { !blanks.contains($0) }
            return end.map { Array(line[...$0]) } ?? []
        }
    }

    /// Whether a bracket closes behind nothing that JSON, or what is close to it, is made of.
    private static func isWordInBrackets(_ line: [UInt8]) -> Bool {
        let last = UInt8(ascii: line.first == UInt8(ascii: "[") ? "]" : "}")
        let marks = Set("[]{}\"',:".utf8)
        return line.count > 2 && line.last == last
            && !line.dropFirst().dropLast().contains { marks.contains($0) }
    }

    func names(expected count: Int) throws(Mismatch) -> [String] {
        var names: [Int: String] = [:]
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                names[index] = try name(element, at: "item \(index)")
            }
            try expect(count, found: elements.count)
        case .object(let members):
            var members = members.map { (key: "\($0.0)", value: $0.1) }
            for key in ["id2label", "label2id"] {
                if case .object(let inner)? = members.first(where: { $0.key == key })?.value {
                    members = inner.map { (key: "\($0.0)", value: $0.1) }
                    break
                }
            }
            for (key, value) in members {
                let index: Int
                if case .number(let number) = value, let found = Int(number.text) {
                    index = found
                    try set(key, at: index, of: count, in: &names)
                } else if let found = Int(key) {
                    index = found
                    try set(name(value, at: "`\(key)`"), at: index, of: count, in: &names)
                } else {
                    throw Mismatch(
                        sentence:
                            "expected JSON of names and their numbers, found the key \(Text.quoted(key))"
                    )
                }
            }
            try expect(count, found: members.count)
        default: throw Mismatch(sentence: "expected JSON of names, found another value")
        }
        return (0..<count).compactMap { names[$0] }
    }

    private func set(
        _ name: String, at index: Int, of count: Int, in names: inout [Int: String]
    ) throws(Mismatch) {
        guard 0..<count ~= index, names[index] == nil else {
            throw Mismatch(
                sentence:
                    "\(Text.quoted(name)): expected a number of its own from 0 to \(count - 1), found \(index)"
            )
        }
        names[index] = name
    }

    private func expect(_ expected: Int, found: Int) throws(Mismatch) {
        guard found == expected else {
            throw Mismatch(
                sentence:
                    "expected JSON of \(expected) names, as the network has classes; found \(found)"
            )
        }
    }

    private func name(_ value: JSONValue, at place: String) throws(Mismatch) -> String {
        switch value {
        case .string(let name): return name
        // An identifier and the name, as in lists of ImageNet's classes.
        case .array(let pair):
            if case .string(let name)? = pair.last, pair.count == 2 { return name }
        default: break
        }
        throw Mismatch(
            sentence: "\(place): expected a name, found \(Text.quoted(value.text(.compact)))")
    }
}
