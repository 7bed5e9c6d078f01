/// The parser of a safetensors header.
///
/// The header is JSON of a fixed shape, so this is no JSON parser: it reads an object that holds `__metadata__`,
/// an object of strings, and tensors, objects of exactly `dtype`, `shape` and `data_offsets`. Nothing nests
/// deeper, so nothing recurses.
struct SafetensorsHeader {
    struct Tensor {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        let begin: Int
        let end: Int
    }

    private(set) var metadata: [String: String] = [:]
    private(set) var tensors: [Tensor] = []
    private var reader: ByteReader
    private var path: String { reader.file.path }

    init(_ file: FileBytes, in range: Range<Int>) {
        reader = ByteReader(file, in: range)
    }

    mutating func parse() throws(SafetensorsError) {
        // The format wants the brace to be the very first byte; white space may follow anywhere else.
        guard reader.peek() == UInt8(ascii: "{") else { throw unexpected("`{`") }
        var names: Set<String> = []
        try object { (parser, name) throws(SafetensorsError) in
            guard names.insert(name).inserted else {
                throw .duplicateKey(path: parser.path, key: name)
            }
            if name == "__metadata__" {
                try parser.parseMetadata()
            } else {
                try parser.parseTensor(name)
            }
        }
        skipSpace()
        guard reader.peek() == nil else { throw unexpected("the end of the header") }
    }

    private mutating func parseMetadata() throws(SafetensorsError) {
        try object { (parser, key) throws(SafetensorsError) in
            let value = try parser.string()
            guard parser.metadata.updateValue(value, forKey: key) == nil else {
                throw .duplicateKey(path: parser.path, key: key)
            }
        }
    }

    private mutating func parseTensor(_ name: String) throws(SafetensorsError) {
        var elementType: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (parser, field) throws(SafetensorsError) in
            let isRepeated: Bool
            switch field {
            case "dtype":
                isRepeated = elementType != nil
                let found = try parser.string()
                elementType = ElementType(rawValue: found)
                guard elementType != nil else {
                    throw .unknownElementType(path: parser.path, tensor: name, found: found)
                }
            case "shape":
                isRepeated = shape != nil
                shape = try parser.integers()
            case "data_offsets":
                isRepeated = offsets != nil
                let start = parser.reader.position
                let found = try parser.integers()
                guard found.count == 2 else {
                    throw .malformedHeader(
                        path: parser.path, offset: start, expected: "two offsets",
                        found: "\(found.count)")
                }
                offsets = found
            default:
                throw .unknownField(path: parser.path, tensor: name, field: field)
            }
            guard !isRepeated else { throw .duplicateKey(path: parser.path, key: field) }
        }
        guard let elementType else {
            throw .missingField(path: path, tensor: name, field: "dtype")
        }
        guard let shape else { throw .missingField(path: path, tensor: name, field: "shape") }
        guard let offsets else {
            throw .missingField(path: path, tensor: name, field: "data_offsets")
        }
        tensors.append(
            Tensor(
                name: name, elementType: elementType, shape: shape, begin: offsets[0],
                end: offsets[1]))
    }

    /// Reads `{ "key": value, ... }`; `member` is called behind each colon and reads the value.
    private mutating func object(
        _ member: (inout Self, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        guard !accept("}") else { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while accept(",")
        try expect("}")
    }

    /// Reads `[n, ...]`, numbers without sign, fraction or exponent.
    private mutating func integers() throws(SafetensorsError) -> [Int] {
        try expect("[")
        var values: [Int] = []
        guard !accept("]") else { return values }
        repeat {
            values.append(try integer())
        } while accept(",")
        try expect("]")
        return values
    }

    private mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = reader.position
        var value = 0
        var digits = 0
        while let byte = reader.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let digit = Int(byte - UInt8(ascii: "0"))
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            guard !overflow, !carry, digits == 0 || value > 0 else {
                throw .malformedHeader(
                    path: path, offset: start, expected: "an integer below 2^63",
                    found: overflow || carry ? "a greater one" : "a leading zero")
            }
            value = sum
            digits += 1
            _ = reader.byte()
        }
        guard digits > 0 else { throw unexpected("an integer") }
        return value
    }

    private mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        let start = reader.position
        var bytes: [UInt8] = []
        while true {
            guard let byte = reader.peek() else { throw unexpected("`\"`") }
            guard byte >= 0x20 else { throw unexpected("no control character") }
            _ = reader.byte()
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw .malformedHeader(
                        path: path, offset: start, expected: "UTF-8", found: "invalid bytes")
                }
                return text
            case UInt8(ascii: "\\"): bytes.append(contentsOf: try escape())
            default: bytes.append(byte)
            }
        }
    }

    /// The bytes that the escape sequence behind a backslash stands for.
    private mutating func escape() throws(SafetensorsError) -> [UInt8] {
        guard let byte = reader.peek() else { throw unexpected("an escape sequence") }
        if let meaning = Self.escapes[byte] {
            _ = reader.byte()
            return [meaning]
        }
        guard byte == UInt8(ascii: "u") else { throw unexpected("an escape sequence") }
        _ = reader.byte()
        let start = reader.position
        var units = [try hexadecimal()]
        if UTF16.isLeadSurrogate(units[0]), reader.peek() == UInt8(ascii: "\\") {
            _ = reader.byte()
            guard reader.peek() == UInt8(ascii: "u") else {
                throw unexpected("a second surrogate")
            }
            _ = reader.byte()
            units.append(try hexadecimal())
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw .malformedHeader(
                path: path, offset: start, expected: "a character", found: "a lone surrogate")
        }
        return Array(text.utf8)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]

    private mutating func hexadecimal() throws(SafetensorsError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = reader.peek(),
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw unexpected("a hexadecimal digit") }
            _ = reader.byte()
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private mutating func skipSpace() {
        while let byte = reader.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        {
            _ = reader.byte()
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard reader.peek() == UInt8(ascii: character) else { return false }
        _ = reader.byte()
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard accept(character) else { throw unexpected("`\(character)`") }
    }

    private func unexpected(_ expected: String) -> SafetensorsError {
        let found =
            switch reader.peek() {
            case nil: "the end of the header"
            case .some(let byte) where byte > 0x20 && byte < 0x7F:
                "`\(Character(Unicode.Scalar(byte)))`"
            case .some(let byte): "byte \(byte)"
            }
        return .malformedHeader(
            path: path, offset: reader.position, expected: expected, found: found)
    }
}
