import OrepaFiles

/// The parser of JSON texts (RFC 8259), strict: what the grammar does not have is an error, and so is a key that an
/// object has twice, of which other readers take the first or the last.
struct JSONReader {
    /// How deep arrays and objects may nest; deeper ones are an error and not a stack that overflows.
    static let depthLimit = 64

    private var scanner: JSONScanner<JSONError>

    init(_ file: FileBytes, from offset: Int = 0) {
        scanner = JSONScanner(
            file, in: offset..<file.count, end: "the end of the document", failure: JSONError.init)
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let document = try value(depth: 0)
        try scanner.expectEnd()
        return document
    }

    /// - Parameter depth: How many arrays and objects it is in.
    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        scanner.skipSpace()
        switch scanner.peek() {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try scanner.string())
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
            return .number(JSONNumber(text: try scanner.number()))
        case UInt8(ascii: "t"):
            try scanner.expectWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try scanner.expectWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try scanner.expectWord("null")
            return .null
        default: throw scanner.unexpected("a value")
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try checkDepth(depth)
        try scanner.expect("[")
        var values: [JSONValue] = []
        guard !scanner.accept("]") else { return values }
        repeat { values.append(try value(depth: depth)) } while scanner.accept(",")
        try scanner.expect("]")
        return values
    }

    private mutating func object(depth: Int) throws(JSONError) -> [(String, JSONValue)] {
        try checkDepth(depth)
        try scanner.expect("{")
        var members: [(String, JSONValue)] = []
        guard !scanner.accept("}") else { return members }
        var keys: Set<ByteName> = []
        repeat {
            scanner.skipSpace()
            let start = scanner.position
            let key = try scanner.name()
            guard keys.insert(ByteName(key)).inserted else {
                throw JSONError(
                    offset: start, expected: "a key that the object does not have yet",
                    found: "\(key.quoted) again")
            }
            try scanner.expect(":")
            members.append((key, try value(depth: depth)))
        } while scanner.accept(",")
        try scanner.expect("}")
        return members
    }

    private func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth <= JSONReader.depthLimit else {
            throw JSONError(
                offset: scanner.position,
                expected: "at most \(JSONReader.depthLimit) arrays and objects in each other",
                found: "one more")
        }
    }
}
