import OrepaFiles
import OrepaJSON

/// The parser of a safetensors header.
///
/// The header is JSON of a fixed shape, and read without a ``JSONValue`` in between: an object that holds
/// `__metadata__`, an object of strings, and tensors, objects of exactly `dtype`, `shape` and `data_offsets`. Nothing
/// nests deeper, so nothing recurses.
struct SafetensorsHeader {
    struct Tensor {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        let begin: Int
        let end: Int
    }

    private(set) var metadata: [ByteName: String] = [:]
    private(set) var tensors: [Tensor] = []
    private let path: String
    private var scanner: JSONScanner<SafetensorsError>

    init(_ file: FileBytes, in range: Range<Int>) {
        let path = file.path
        self.path = path
        scanner = JSONScanner(file, in: range, end: "the end of the header") {
            .malformedHeader(path: path, offset: $0, expected: $1, found: $2)
        }
    }

    mutating func parse() throws(SafetensorsError) {
        // The format wants the brace to be the very first byte; white space may follow anywhere else.
        guard scanner.peek() == UInt8(ascii: "{") else { throw scanner.unexpected("`{`") }
        var names: Set<ByteName> = []
        try object { (parser, name) throws(SafetensorsError) in
            guard names.insert(ByteName(name)).inserted else {
                throw .duplicateKey(path: parser.path, key: name)
            }
            // One name may be that of the metadata.
            guard names.count <= SafetensorsFile.largestNameCount + 1 else {
                throw .tooManyNames(path: parser.path, limit: SafetensorsFile.largestNameCount)
            }
            if ByteName(name) == "__metadata__" {
                try parser.parseMetadata()
            } else {
                try parser.parseTensor(name)
            }
        }
        try scanner.expectEnd()
    }

    private mutating func parseMetadata() throws(SafetensorsError) {
        try object { (parser, key) throws(SafetensorsError) in
            let value = try parser.scanner.string()
            guard parser.metadata.updateValue(value, forKey: ByteName(key)) == nil else {
                throw .duplicateKey(path: parser.path, key: key)
            }
            guard parser.metadata.count <= SafetensorsFile.largestNameCount else {
                throw .tooManyNames(path: parser.path, limit: SafetensorsFile.largestNameCount)
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
                let found = try parser.scanner.name()
                elementType = ElementType(rawValue: found)
                guard elementType != nil else {
                    throw .unknownElementType(path: parser.path, tensor: name, found: found)
                }
            case "shape":
                isRepeated = shape != nil
                let extents = try parser.integers()
                guard extents.count <= SafetensorsFile.largestRank else {
                    throw .tooManyDimensions(
                        path: parser.path, tensor: name, limit: SafetensorsFile.largestRank,
                        found: extents.count)
                }
                shape = extents
            case "data_offsets":
                isRepeated = offsets != nil
                let start = parser.scanner.position
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
        try scanner.expect("{")
        guard !scanner.accept("}") else { return }
        repeat {
            let key = try scanner.name()
            try scanner.expect(":")
            try member(&self, key)
        } while scanner.accept(",")
        try scanner.expect("}")
    }

    /// Reads `[n, ...]`, numbers without sign, fraction or exponent.
    private mutating func integers() throws(SafetensorsError) -> [Int] {
        try scanner.expect("[")
        var values: [Int] = []
        guard !scanner.accept("]") else { return values }
        repeat {
            values.append(try integer())
        } while scanner.accept(",")
        try scanner.expect("]")
        return values
    }

    private mutating func integer() throws(SafetensorsError) -> Int {
        scanner.skipSpace()
        let start = scanner.position
        guard var value = scanner.digit() else { throw scanner.unexpected("an integer") }
        while let digit = scanner.digit() {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            guard !overflow, !carry, value > 0 else {
                throw .malformedHeader(
                    path: path, offset: start, expected: "an integer below 2^63",
                    found: overflow || carry ? "a greater one" : "a leading zero")
            }
            value = sum
        }
        return value
    }
}
