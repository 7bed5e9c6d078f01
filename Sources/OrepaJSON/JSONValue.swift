import OrepaFiles

/// A JSON value whose keys keep their order.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    package static func integer(_ value: some FixedWidthInteger) -> JSONValue {
        .number(JSONNumber(value))
    }

    /// A number; null for those that JSON cannot hold, infinities and NaN.
    package static func float(_ value: Float) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A number; null for those that JSON cannot hold, infinities and NaN.
    package static func double(_ value: Double) -> JSONValue {
        JSONNumber(value).map(JSONValue.number) ?? .null
    }

    /// A string, or null.
    package static func optional(_ value: String?) -> JSONValue {
        value.map(JSONValue.string) ?? .null
    }

    /// An object with the members that have a value, sorted by the bytes of their keys.
    package static func sorted(_ members: [(String, JSONValue?)]) -> JSONValue {
        .object(
            members.compactMap { key, value in value.map { (key, $0) } }
                .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) })
    }

    /// Reads a JSON text: one value, with white space around it or not. Takes time in proportion to the text.
    ///
    /// - Throws: ``JSONError`` where the text breaks the grammar, where an object has a key twice, or where arrays and
    ///   objects nest deeper than 64.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: FileBytes(text.utf8, path: ""))
    }

    /// Reads a file's bytes, or bytes in memory, in the same way; strings that are not UTF-8 are errors too.
    ///
    /// - Parameter offset: Where the text begins in the file.
    package init(parsing file: FileBytes, from offset: Int = 0) throws(JSONError) {
        defer { withExtendedLifetime(file) {} }
        var reader = JSONReader(file, from: offset)
        self = try reader.document()
    }
}
