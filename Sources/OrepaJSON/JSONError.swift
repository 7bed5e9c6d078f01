import OrepaFiles

/// A text that is no JSON, or JSON that is not read.
package struct JSONError: Error, Hashable, Sendable {
    /// Where the text goes wrong, in bytes of UTF-8 from the start of its file.
    package let offset: Int
    package let expected: String
    package let found: String

    package init(offset: Int, expected: String, found: String) {
        self.offset = offset
        self.expected = expected
        self.found = found
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        "byte \(offset): expected \(expected), found \(found)".escapedForPrinting()
    }
}
