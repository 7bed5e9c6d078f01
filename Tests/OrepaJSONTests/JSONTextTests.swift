import Foundation
import OrepaFiles
import OrepaJSON
import TestSupport
import Testing

/// Random values and texts, held against what Foundation makes of them.
@Suite struct JSONTextTests {
    /// A random value: of any kind, nested less and less.
    static func value(_ random: inout SeededRandom, depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64(bitPattern: random.next()) >> Int64(random.next() & 63))
        case 3: return .double(Double(bitPattern: random.next()))
        case 4: return .float(Float.random(in: -1000...1000, using: &random).rounded() / 8)
        case 5: return .string(string(&random))
        case 6:
            return .array(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                    value(&random, depth: depth + 1)
                })
        default:
            var keys: Set<String> = []
            var members: [(String, JSONValue)] = []
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                let key = string(&random)
                guard keys.insert(key).inserted else { continue }
                members.append((key, value(&random, depth: depth + 1)))
            }
            return .object(members)
        }
    }

    static func string(_ random: inout SeededRandom) -> String {
        var string = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let largest = [0x20, 0x80, 0x80, 0x80, 0x800, 0x10000, 0x110000]
                .randomElement(using: &random)!
            guard
                let scalar = Unicode.Scalar(UInt32.random(in: 0..<UInt32(largest), using: &random))
            else { continue }
            string.unicodeScalars.append(scalar)
        }
        return string
    }

    /// Whether Foundation's `other` is `value`.
    static func isSame(_ value: JSONValue, _ other: Any?) -> Bool {
        switch value {
        case .null: return other == nil
        case .bool(let bool): return other as? Bool == bool
        case .number(let number): return number.floatingPoint(Double.self) == other as? Double
        case .string(let string):
            return (other as? String).map { $0.unicodeScalars.elementsEqual(string.unicodeScalars) }
                ?? false
        case .array(let values):
            guard let others = other as? [Any?] else { return false }
            return values.count == others.count
                && zip(values, others).allSatisfy { isSame($0, $1) }
        case .object(let members):
            guard let others = other as? [String: Any?] else { return false }
            return members.count == others.count
                && members.allSatisfy { key, value in others[key].map { isSame(value, $0) } ?? false
                }
        }
    }

    @Test func randomValuesComeBack() throws {
        var random = SeededRandom(1)
        for _ in 0..<3000 {
            let value = JSONTextTests.value(&random)
            for layout in [JSONLayout.compact, .spaced] {
                let text = value.text(layout)
                let read = try JSONValue(parsing: text)
                // The text has all of a value, so equal texts are equal values.
                #expect(read.text(layout) == text)
                let reference = try JSONDecoder().decode(Reference.self, from: Data(text.utf8))
                #expect(JSONTextTests.isSame(read, reference.value))
            }
        }
    }

    /// The same where Foundation writes the text: with other escape sequences, and with white space.
    @Test func readsWhatFoundationWrites() throws {
        let encoder = JSONEncoder()
        var random = SeededRandom(2)
        for round in 0..<2000 {
            encoder.outputFormatting = round % 2 == 0 ? [] : [.prettyPrinted]
            let reference = try JSONDecoder().decode(
                Reference.self, from: Data(JSONTextTests.value(&random).text(.compact).utf8))
            let text = String(decoding: try encoder.encode(reference), as: UTF8.self)
            #expect(JSONTextTests.isSame(try JSONValue(parsing: text), reference.value))
        }
    }

    /// Texts with a random change are read where Foundation reads them, and as the same.
    @Test func agreesWithFoundationOnDamagedTexts() throws {
        var random = SeededRandom(5)
        let pieces = #"{}[]",:\-+.eE0123456789tfnu dax"#.utf8.map { $0 } + [0x0A, 0x01, 0xC3, 0xFF]
        var (read, refused) = (0, 0)
        for _ in 0..<20_000 {
            var bytes = Array(JSONTextTests.value(&random, depth: 3).text(.spaced).utf8)
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let piece = pieces.randomElement(using: &random)!
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[index] = piece
            case 1: bytes.insert(piece, at: index)
            default: bytes.remove(at: index)
            }
            let reference = try? JSONDecoder().decode(Reference.self, from: Data(bytes))
            var found: JSONValue?
            var error: JSONError?
            do { found = try JSONValue(parsing: FileBytes(bytes, path: "")) } catch let thrown {
                error = thrown
            }
            switch (found, reference) {
            case (nil, nil): refused += 1
            case (let found?, let reference?):
                read += 1
                if !JSONTextTests.isSame(found, reference.value) {
                    Issue.record("\(found.text(.compact)) is \(reference.value ?? "null")")
                }
            case (nil, _):
                // Foundation lets a comma behind an object's last member pass.
                if error?.expected != "`\"`" || error?.found != "`}`" {
                    Issue.record("refused \(String(decoding: bytes, as: UTF8.self))")
                }
            case (let found?, nil):
                // A number may be beyond Float64 until somebody asks for it as one.
                if !JSONTextTests.hasExtremeNumber(found) {
                    Issue.record("read \(String(decoding: bytes, as: UTF8.self))")
                }
            }
        }
        #expect(read > 3000 && refused > 3000)
    }

    /// Whether it has a number that Float64 does not tell from infinity or 0.
    private static func hasExtremeNumber(_ value: JSONValue) -> Bool {
        switch value {
        case .number(let number):
            guard let double = number.floatingPoint(Double.self) else { return true }
            return double == 0
        case .array(let values): return values.contains(where: hasExtremeNumber)
        case .object(let members): return members.contains { hasExtremeNumber($0.1) }
        default: return false
        }
    }

    /// Any document, as Foundation reads and writes it: nil, Bool, String, Double, and arrays and dictionaries.
    struct Reference: Codable {
        let value: Any?

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        private init(value: Any?) { self.value = value }

        init(from decoder: any Decoder) throws {
            if let container = try? decoder.container(keyedBy: Key.self) {
                var object: [String: Any?] = [:]
                for key in container.allKeys {
                    object.updateValue(
                        try container.decode(Reference.self, forKey: key).value,
                        forKey: key.stringValue)
                }
                value = object
            } else if var container = try? decoder.unkeyedContainer() {
                var array: [Any?] = []
                while !container.isAtEnd {
                    array.append(try container.decode(Reference.self).value)
                }
                value = array
            } else {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    value = nil
                } else if let bool = try? container.decode(Bool.self) {
                    value = bool
                } else if let string = try? container.decode(String.self) {
                    value = string
                } else {
                    value = try container.decode(Double.self)
                }
            }
        }

        func encode(to encoder: any Encoder) throws {
            switch value {
            case let object as [String: Any?]:
                var container = encoder.container(keyedBy: Key.self)
                for (key, value) in object {
                    try container.encode(Reference(value: value), forKey: Key(stringValue: key))
                }
            case let array as [Any?]:
                var container = encoder.unkeyedContainer()
                for value in array { try container.encode(Reference(value: value)) }
            default:
                var container = encoder.singleValueContainer()
                switch value {
                case let bool as Bool: try container.encode(bool)
                case let string as String: try container.encode(string)
                case let double as Double: try container.encode(double)
                default: try container.encodeNil()
                }
            }
        }
    }

    /// Keys are sorted, and texts escaped, as Foundation's encoder does it, but for three control characters.
    @Test func writesWhatFoundationWrites() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var random = SeededRandom(6)
        for _ in 0..<2000 {
            var strings: [String: [String]] = [:]
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                strings[JSONTextTests.string(&random)] = [JSONTextTests.string(&random)]
            }
            for index in 0..<12 { strings["stage\(index).\(index)", default: []].append("A/b") }
            let text = JSONValue.sorted(
                strings.map { ($0.key, .array($0.value.map(JSONValue.string))) }
            ).text(.compact)
            let reference = String(decoding: try encoder.encode(strings), as: UTF8.self)
            #expect(text == JSONTextTests.withLongEscapes(reference))
        }
    }

    private static func withLongEscapes(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for scalar in text.unicodeScalars {
            switch (isEscaped, scalar) {
            case (true, "b"): result += "u0008"
            case (true, "f"): result += "u000c"
            case (_, "\u{7F}"): result += "\\u007f"
            default: result.unicodeScalars.append(scalar)
            }
            isEscaped = !isEscaped && scalar == "\\"
        }
        return result
    }
}
