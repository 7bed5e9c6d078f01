import OrepaFiles
import OrepaSafetensors
import Testing

/// Each guard of the safetensors reader, and what it must accept.
@Suite struct ReaderTests {
    func bytes(_ header: String, _ dataSize: Int = 0) -> [UInt8] {
        bytes(Array(header.utf8), dataSize)
    }

    func bytes(_ header: [UInt8], _ dataSize: Int = 0) -> [UInt8] {
        length(UInt64(header.count)) + header + (0..<dataSize).map { UInt8(truncatingIfNeeded: $0) }
    }

    func length(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    func parse(_ bytes: [UInt8]) throws(SafetensorsError) -> SafetensorsFile {
        try SafetensorsFile(FileBytes(bytes, path: "test"))
    }

    func refuses(
        _ error: SafetensorsError, _ header: String, _ dataSize: Int = 0,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: location) { try parse(bytes(header, dataSize)) }
    }

    func malformed(
        _ header: String, at offset: Int, expected: String, found: String,
        _ location: SourceLocation = #_sourceLocation
    ) {
        refuses(
            .malformedHeader(path: "test", offset: 8 + offset, expected: expected, found: found),
            header, 0, location)
    }

    @Test func tensors() throws {
        let header = #"""
             {"__metadata__": {"format": "pt", "a\"b": "\u00e9\ud83d\ude00\n\/\\"},
              "b": {"data_offsets": [8, 20], "shape": [3, 2], "dtype": "BF16"},
              "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
              "scalar": {"dtype": "I64", "shape": [], "data_offsets": [20, 28]},
              "empty": {"dtype": "F64", "shape": [0, 7], "data_offsets": [20, 20]}}
            """#.drop { $0 == " " }
        let file = try parse(bytes(String(header) + "  \n\t ", 28))
        let start = 8 + header.utf8.count + 5
        #expect(file.metadata == ["format": "pt", "a\"b": "é😀\n/\\"])
        #expect(file.entries.map(\.name) == ["a", "b", "empty", "scalar"])
        #expect(file.entries.map(\.elementCount) == [2, 6, 0, 1])
        #expect(file.entries.map(\.elementType) == [.float32, .bfloat16, .float64, .int64])
        #expect(file["b"]?.shape == [3, 2])
        #expect(file["b"]?.range == start + 8..<start + 20)
        #expect(file["c"] == nil)
        let found = try #require(file["b"])
        #expect(Array(file.bytes(of: found)) == Array(8..<20))
    }

    @Test func nothing() throws {
        #expect(try parse(bytes("{}")).entries.isEmpty)
        #expect(try parse(bytes(#"{"__metadata__":{}}"#)).metadata.isEmpty)
    }

    @Test func elementTypes() throws {
        for type in ElementType.allCases {
            let size = 3 * type.byteCount
            let header =
                #"{"w":{"dtype":"\#(type.rawValue)","shape":[3],"data_offsets":[0,\#(size)]}}"#
            #expect(try parse(bytes(header, size))["w"]?.elementType == type)
        }
        for name in ["F8_E4M3", "C64", "f32", ""] {
            refuses(
                .unknownElementType(path: "test", tensor: "w", found: name),
                #"{"w":{"dtype":"\#(name)","shape":[3],"data_offsets":[0,12]}}"#, 12)
        }
    }

    @Test func lengths() {
        for count in 0..<8 {
            #expect(throws: SafetensorsError.tooShort(path: "test", expected: 8, found: count)) {
                try parse([UInt8](repeating: 0, count: count))
            }
        }
        for value in [100_000_001, UInt64.max] {
            #expect(
                throws: SafetensorsError.headerTooLong(
                    path: "test", limit: 100_000_000, found: value)
            ) { try parse(length(value)) }
        }
        #expect(throws: SafetensorsError.headerBeyondEnd(path: "test", expected: 3, found: 2)) {
            try parse(length(3) + Array("{}".utf8))
        }
        #expect(
            throws: SafetensorsError.headerBeyondEnd(path: "test", expected: 100_000_000, found: 0)
        ) { try parse(length(100_000_000)) }
    }

    @Test func grammar() {
        malformed("", at: 0, expected: "`{`", found: "the end of the header")
        malformed(" {}", at: 0, expected: "`{`", found: "byte 32")
        malformed("[]", at: 0, expected: "`{`", found: "`[`")
        malformed("{", at: 1, expected: "`\"`", found: "the end of the header")
        malformed("{}x", at: 2, expected: "the end of the header", found: "`x`")
        malformed("{}{}", at: 2, expected: "the end of the header", found: "`{`")
        malformed("{},", at: 2, expected: "the end of the header", found: "`,`")
        malformed("{1:{}}", at: 1, expected: "`\"`", found: "`1`")
        malformed("{\"a\"}", at: 4, expected: "`:`", found: "`}`")
        malformed("{\"a\":1}", at: 5, expected: "`{`", found: "`1`")
        malformed("{\"a\":{\"shape\":{}}}", at: 14, expected: "`[`", found: "`{`")
        malformed("{\"a\":{\"shape\":[[1]]}}", at: 15, expected: "an integer", found: "`[`")
        malformed("{\"a\":{\"shape\":[-1]}}", at: 15, expected: "an integer", found: "`-`")
        malformed("{\"a\":{\"shape\":[1.5]}}", at: 16, expected: "`]`", found: "`.`")
        malformed("{\"a\":{\"shape\":[1e3]}}", at: 16, expected: "`]`", found: "`e`")
        malformed("{\"a\":{\"shape\":[1,]}}", at: 17, expected: "an integer", found: "`]`")
        malformed(
            "{\"a\":{\"shape\":[01]}}", at: 15, expected: "an integer below 2^63",
            found: "a leading zero")
        malformed(
            "{\"a\":{\"shape\":[9223372036854775808]}}", at: 15, expected: "an integer below 2^63",
            found: "a greater one")
        malformed("{\"a\":{\"dtype\":3}}", at: 14, expected: "`\"`", found: "`3`")
        malformed("{\"__metadata__\":{\"a\":1}}", at: 21, expected: "`\"`", found: "`1`")
        malformed("{\"__metadata__\":{\"a\":\"b\",}}", at: 25, expected: "`\"`", found: "`}`")
        malformed(
            "{\"a\":{\"data_offsets\":[0]}}", at: 21, expected: "two offsets", found: "1")
        malformed(
            "{\"a\":{\"data_offsets\":[0,1,2]}}", at: 21, expected: "two offsets", found: "3")
    }

    @Test func strings() {
        malformed("{\"a", at: 3, expected: "`\"`", found: "the end of the header")
        malformed("{\"a\n\"", at: 3, expected: "no control character", found: "byte 10")
        malformed("{\"\\", at: 3, expected: "an escape sequence", found: "the end of the header")
        malformed("{\"\\x\"", at: 3, expected: "an escape sequence", found: "`x`")
        malformed("{\"\\u12g4\"", at: 6, expected: "a hexadecimal digit", found: "`g`")
        malformed(
            "{\"\\u12", at: 6, expected: "a hexadecimal digit", found: "the end of the header")
        malformed("{\"\\ud83d\"", at: 4, expected: "a character", found: "a lone surrogate")
        malformed("{\"\\udE00\"", at: 4, expected: "a character", found: "a lone surrogate")
        malformed("{\"\\ud83d\\n\"", at: 9, expected: "a second surrogate", found: "`n`")
        malformed("{\"\\ud83d\\u0041\"", at: 4, expected: "a character", found: "a lone surrogate")
        for invalid: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            #expect(
                throws: SafetensorsError.malformedHeader(
                    path: "test", offset: 10, expected: "UTF-8", found: "invalid bytes")
            ) { try parse(bytes(Array("{\"".utf8) + invalid + Array("\":{}}".utf8))) }
        }
    }

    @Test func fields() {
        let path = "test"
        let w = #""w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#
        refuses(.duplicateKey(path: path, key: "w"), "{\(w),\(w)}", 1)
        refuses(
            .duplicateKey(path: path, key: "__metadata__"),
            #"{"__metadata__":{},"__metadata__":{}}"#)
        refuses(.duplicateKey(path: path, key: "a"), #"{"__metadata__":{"a":"","a":""}}"#)
        refuses(.duplicateKey(path: path, key: "w"), #"{\#(w),"\u0077":{}}"#, 1)
        for (field, value) in [("dtype", "\"U8\""), ("shape", "[1]"), ("data_offsets", "[0,1]")] {
            refuses(
                .duplicateKey(path: path, key: field),
                "{\"w\":{\"\(field)\":\(value),\"\(field)\":\(value)}}")
        }
        refuses(
            .unknownField(path: path, tensor: "w", field: "strides"),
            #"{"w":{"dtype":"U8","strides":[1]}}"#)
        refuses(.missingField(path: path, tensor: "w", field: "dtype"), #"{"w":{}}"#)
        refuses(
            .missingField(path: path, tensor: "w", field: "shape"), #"{"w":{"dtype":"U8"}}"#)
        refuses(
            .missingField(path: path, tensor: "w", field: "data_offsets"),
            #"{"w":{"dtype":"U8","shape":[]}}"#)
    }

    @Test func layout() {
        let path = "test"
        func header(_ tensors: [(String, [Int], Int, Int)]) -> String {
            let parts = tensors.map {
                "\"\($0.0)\":{\"dtype\":\"F32\",\"shape\":\($0.1),\"data_offsets\":[\($0.2),\($0.3)]}"
            }
            return "{\(parts.joined(separator: ","))}"
        }
        let huge = 1 << 62
        refuses(
            .shapeOverflow(path: path, tensor: "w", shape: [huge]), header([("w", [huge], 0, 0)]))
        refuses(
            .shapeOverflow(path: path, tensor: "w", shape: [huge, huge]),
            header([("w", [huge, huge], 0, 0)]))
        refuses(
            .reversedOffsets(path: path, tensor: "w", begin: 4, end: 0),
            header([("w", [1], 4, 0)]), 4)
        refuses(
            .sizeMismatch(path: path, tensor: "w", expected: 8, found: 4),
            header([("w", [2], 0, 4)]), 4)
        refuses(
            .sizeMismatch(path: path, tensor: "w", expected: 4, found: .max),
            header([("w", [], 0, .max)]), 4)
        refuses(
            .notContiguous(path: path, tensor: "w", expected: 0, found: 4),
            header([("w", [1], 4, 8)]), 8)
        refuses(
            .notContiguous(path: path, tensor: "v", expected: 4, found: 8),
            header([("v", [1], 8, 12), ("w", [1], 0, 4)]), 12)
        refuses(
            .notContiguous(path: path, tensor: "v", expected: 8, found: 4),
            header([("w", [2], 0, 8), ("v", [1], 4, 8)]), 8)
        refuses(
            .notContiguous(path: path, tensor: "v", expected: 4, found: 0),
            header([("w", [1], 0, 4), ("v", [1], 0, 4)]), 8)
        refuses(
            .dataSizeMismatch(path: path, expected: 8, found: 7), header([("w", [2], 0, 8)]), 7)
        refuses(
            .dataSizeMismatch(path: path, expected: 8, found: 9), header([("w", [2], 0, 8)]), 9)
        refuses(.dataSizeMismatch(path: path, expected: 0, found: 1), "{}", 1)
    }

    @Test func messages() {
        #expect(
            SafetensorsError.notContiguous(path: "a", tensor: "w", expected: 4, found: 8)
                .description
                == "a: tensor `w`: expected to begin at 4, found 8")
        #expect(
            SafetensorsError.malformedHeader(
                path: "a", offset: 9, expected: "`{`", found: "byte 1"
            ).description == "a: safetensors header, byte 9: expected `{`, found byte 1")
    }

    /// Every prefix and every single damaged byte of a file gives a value or an error.
    @Test func damage() throws {
        let good = bytes(
            #"{"__metadata__":{"k":"\u00e9"},"w":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}}"#,
            4)
        _ = try parse(good)
        for count in 0..<good.count {
            #expect(throws: SafetensorsError.self) { try parse(Array(good.prefix(count))) }
        }
        for index in 0..<good.count - 4 {
            for value in UInt8.min...UInt8.max {
                var bytes = good
                bytes[index] = value
                _ = try? parse(bytes)
            }
        }
    }
}
