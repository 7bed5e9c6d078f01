import OrepaFiles
import OrepaJSON
import Testing

/// What the JSON reader takes and refuses.
@Suite struct JSONReaderTests {
    @Test(arguments: [
        ("null", "null"), (" \t\r\n true ", "true"), ("false", "false"), ("0", "0"), ("-0", "-0"),
        ("[]", "[]"), ("{}", "{}"), ("[ ]", "[]"), ("{ }", "{}"), ("\"\"", "\"\""),
        ("[1 ,[ 2],{ \"b\" : {} , \"a\":null}]", #"[1,[2],{"b":{},"a":null}]"#),
        (#"{"":""}"#, #"{"":""}"#),
        (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#),
        (#""\u0041\u00e9\u20AC\ud83d\uDE00\u0000""#, #""Aé€😀\u0000""#),
        ("\"\u{7F}\u{2028}é😀\"", "\"\\u007f\u{2028}é😀\""),
        ("[1.50,-0.0,1E+2,1e-2,10]", "[1.50,-0,1E+2,1e-2,10]"),
    ])
    func reads(text: String, written: String) throws {
        #expect(try JSONValue(parsing: text).text(.compact) == written)
    }

    @Test func keepsTheOrderOfKeys() throws {
        let text = #"{"b": 1, "a": {"z": 1.0, "y": [true, null]}}"#
        #expect(try JSONValue(parsing: text).text(.spaced) == text)
    }

    static let refusals: [(text: String, offset: Int, expected: String, found: String)] = [
        ("", 0, "a value", "the end of the document"),
        ("  ", 2, "a value", "the end of the document"),
        ("\u{FEFF}1", 0, "a value", "byte 239"),
        ("1 2", 2, "the end of the document", "`2`"),
        ("{}}", 2, "the end of the document", "`}`"),
        ("[", 1, "a value", "the end of the document"),
        ("[1", 2, "`]`", "the end of the document"),
        ("[1 2]", 3, "`]`", "`2`"),
        ("[1,]", 3, "a value", "`]`"),
        ("[,1]", 1, "a value", "`,`"),
        ("[1}", 2, "`]`", "`}`"),
        ("{", 1, "`\"`", "the end of the document"),
        ("{1:2}", 1, "`\"`", "`1`"),
        ("{a:1}", 1, "`\"`", "`a`"),
        ("{\"a\"}", 4, "`:`", "`}`"),
        ("{\"a\" 1}", 5, "`:`", "`1`"),
        ("{\"a\":}", 5, "a value", "`}`"),
        ("{\"a\":1,}", 7, "`\"`", "`}`"),
        ("{\"a\":1 \"b\":2}", 7, "`}`", "`\"`"),
        ("{\"a\":1]", 6, "`}`", "`]`"),
        ("{\"a\":1,\"a\":2}", 7, "a key that the object does not have yet", "`a` again"),
        (
            "{\"a\":1, \"\\u0061\":2}", 8, "a key that the object does not have yet", "`a` again"
        ),
        ("[{\"b\":{\"\":1,\"\":2}}]", 12, "a key that the object does not have yet", "`` again"),
        ("nul", 3, "`null`", "the end of the document"),
        ("nulL", 3, "`null`", "`L`"),
        ("nullx", 4, "the end of the document", "`x`"),
        ("True", 0, "a value", "`T`"),
        ("tru e", 3, "`true`", "byte 32"),
        ("falze", 3, "`false`", "`z`"),
        ("NaN", 0, "a value", "`N`"),
        ("Infinity", 0, "a value", "`I`"),
        ("-Infinity", 1, "a digit", "`I`"),
        ("-", 1, "a digit", "the end of the document"),
        ("--1", 1, "a digit", "`-`"),
        ("+1", 0, "a value", "`+`"),
        (".5", 0, "a value", "`.`"),
        ("1.", 2, "a digit", "the end of the document"),
        ("1.e5", 2, "a digit", "`e`"),
        ("1e", 2, "a digit", "the end of the document"),
        ("1e+-1", 3, "a digit", "`-`"),
        ("[1e5.0]", 4, "`]`", "`.`"),
        ("01", 1, "the end of the document", "`1`"),
        ("-012", 2, "the end of the document", "`1`"),
        ("0x10", 1, "the end of the document", "`x`"),
        ("1_0", 1, "the end of the document", "`_`"),
        ("'a'", 0, "a value", "`'`"),
        ("// a\n1", 0, "a value", "`/`"),
        ("[1,/**/2]", 3, "a value", "`/`"),
        ("\u{A0}1", 0, "a value", "byte 194"),
        ("\u{0B}1", 0, "a value", "byte 11"),
        ("1\u{0}", 1, "the end of the document", "byte 0"),
        ("\"a", 2, "`\"`", "the end of the document"),
        ("\"a\\", 3, "an escape sequence", "the end of the document"),
        ("\"\\\"", 3, "`\"`", "the end of the document"),
        ("\"a\nb\"", 2, "no control character", "byte 10"),
        ("\"\\n\u{1}\"", 3, "no control character", "byte 1"),
        ("\"\\a\"", 2, "an escape sequence", "`a`"),
        ("\"\\U0041\"", 2, "an escape sequence", "`U`"),
        ("\"\\u004\"", 6, "a hexadecimal digit", "`\"`"),
        ("\"\\u+041\"", 3, "a hexadecimal digit", "`+`"),
        ("\"\\ud800\"", 3, "a character", "a lone surrogate"),
        ("\"\\udc00\\ud800\"", 3, "a character", "a lone surrogate"),
        ("\"\\ud800\\ud800\"", 3, "a character", "a lone surrogate"),
        ("\"\\ud800\\\\\"", 8, "a second surrogate", "`\\`"),
    ]

    @Test(arguments: refusals)
    func refuses(text: String, offset: Int, expected: String, found: String) {
        #expect(throws: JSONError(offset: offset, expected: expected, found: found)) {
            try JSONValue(parsing: text)
        }
    }

    @Test func refusesBytesThatAreNotUTF8() {
        for invalid: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            for before in ["", "\\n"] {
                let bytes = Array("[\"\(before)".utf8) + invalid + Array("\"]".utf8)
                #expect(throws: JSONError(offset: 2, expected: "UTF-8", found: "invalid bytes")) {
                    try JSONValue(parsing: FileBytes(bytes, path: ""))
                }
            }
        }
    }

    /// The limit itself is read; one more is an error, and so are a million, whatever they are.
    @Test func nestingHasALimit() throws {
        func nested(_ open: String, _ close: String, _ depth: Int, _ inner: String) -> String {
            String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
        }
        for (open, close, inner) in [("[", "]", ""), ("{\"a\":", "}", "1"), ("[0,", "]", "0")] {
            let text = nested(open, close, 64, inner)
            #expect(try JSONValue(parsing: text).text(.compact) == text)
            let offset = 64 * open.utf8.count
            for depth in [65, 1_000_000] {
                let error = JSONError(
                    offset: offset, expected: "at most 64 arrays and objects in each other",
                    found: "one more")
                #expect(throws: error) {
                    try JSONValue(parsing: nested(open, close, depth, inner))
                }
                #expect(throws: error) {
                    try JSONValue(parsing: nested(open, "", depth, ""))
                }
            }
        }
    }

    /// Every prefix and every single damaged byte of a text gives a value or an error.
    @Test func damage() throws {
        let good = Array(
            #"{"a":[1,-2.5e+10,"\u00e9\ud83d\ude00é"],"b":{"c":true,"d":null}}"#.utf8)
        _ = try JSONValue(parsing: FileBytes(good, path: ""))
        for count in 0..<good.count {
            #expect(throws: JSONError.self) {
                try JSONValue(parsing: FileBytes(good.prefix(count), path: ""))
            }
        }
        for index in good.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = good
                bytes[index] = value
                _ = try? JSONValue(parsing: FileBytes(bytes, path: ""))
            }
        }
    }

    @Test func message() {
        #expect(
            JSONError(offset: 3, expected: "a value", found: "`x`").description
                == "byte 3: expected a value, found `x`")
    }
}
