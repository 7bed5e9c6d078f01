import OrepaFiles
import Testing

/// What a terminal would obey is printed and not sent.
struct PrintableTextTests {
    @Test(arguments: [
        ("plain `text` with \\ and \"quotes\"", "plain `text` with \\ and \"quotes\""),
        ("Größe, 犬, 👩‍🔬", "Größe, 犬, 👩‍🔬"),
        ("\u{1B}[31mred\u{7}", "\\u{1B}[31mred\\u{7}"),
        ("one\ntwo\r\tthree\0", "one\\ntwo\\r\\tthree\\u{0}"),
        ("\u{7F}\u{80}\u{9B}31m\u{9F}\u{A0}", "\\u{7F}\\u{80}\\u{9B}31m\\u{9F}\u{A0}"),
        ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
        ("\u{202E}gnp.exe\u{2066}\u{200F}\u{61C}", "\\u{202E}gnp.exe\\u{2066}\\u{200F}\\u{61C}"),
    ])
    func charactersThatAreObeyedAreEscaped(text: String, expected: String) {
        #expect(text.escapedForPrinting() == expected)
        #expect(text.escapedForPrinting().escapedForPrinting() == expected)
        #expect(Array(text.utf8).escapedForPrinting() == expected)
    }

    @Test func bytesThatAreNoTextAreHexadecimal() {
        let bytes: [UInt8] = [
            0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82, 0xED, 0xA0, 0x80, 0xC3, 0xA9, 0xC3,
        ]
        #expect(
            bytes.escapedForPrinting() == "a\\xFF\\xC3(\\xE2\\x82\\xED\\xA0\\x80é\\xC3")
        #expect(bytes[1...2].escapedForPrinting() == "\\xFF\\xC3")
    }

    @Test func longTextIsCutBetweenCharacters() {
        #expect("abcdef".escapedForPrinting(limit: 6) == "abcdef")
        #expect("abcdef".escapedForPrinting(limit: 5) == "abcde...")
        #expect("aé\n".escapedForPrinting(limit: 2) == "a...")
        #expect("aé\n".escapedForPrinting(limit: 3) == "aé...")
    }
}
