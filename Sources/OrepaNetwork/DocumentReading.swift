import OrepaFiles
import OrepaJSON

/// A value of a model's document that is not what belongs there.
struct DocumentError: Error {
    /// Keys and indices that lead to the value, from the outermost.
    private(set) var place: [String] = []
    let expected: String?
    let found: String

    init(expected: String, found: String) {
        self.expected = expected
        self.found = found
    }

    /// A number that the type of its place cannot hold.
    init(outOfRange number: JSONNumber) {
        expected = nil
        // Whoever wrote a million digits knows them.
        found =
            number.text.utf8.count > 40 ? "\(number.text.prefix(40))..." : number.text
    }

    func within(_ key: String) -> DocumentError {
        var error = self
        error.place.insert(key, at: 0)
        return error
    }

    /// The error of the file at `path`.
    func inFile(_ path: String) -> ModelFileError {
        let place = place.joined(separator: ".")
        guard let expected else {
            return .malformed(
                path: path, field: ModelFile.metadataKey,
                expected: "a number that `\(place)` can hold", found: found)
        }
        return .malformed(
            path: path, field: place.isEmpty ? ModelFile.metadataKey : place, expected: expected,
            found: found)
    }
}

/// What is read from a value of a model's document.
protocol DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError)
}

/// An object of a model's document, of which the members that are asked for are read.
struct DocumentObject {
    let members: [(key: String, value: JSONValue)]

    init(_ value: JSONValue) throws(DocumentError) {
        guard case .object(let members) = value else {
            throw DocumentError(expected: "an object", found: value.kind)
        }
        self.members = members
    }

    /// The member under `key`, which has to be there.
    func value<Value: DocumentReadable>(_ key: String) throws(DocumentError) -> Value {
        guard let value = self[key] else {
            throw DocumentError(expected: "a value", found: "none").within(key)
        }
        do { return try Value(reading: value) } catch { throw error.within(key) }
    }

    /// The member under `key`; nil when there is none, or null.
    func optional<Value: DocumentReadable>(_ key: String) throws(DocumentError) -> Value? {
        guard let value = self[key] else { return nil }
        if case .null = value { return nil }
        do { return try Value(reading: value) } catch { throw error.within(key) }
    }

    private subscript(key: String) -> JSONValue? {
        members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }
}

extension JSONValue {
    /// What it is, for messages.
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension Bool: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        guard case .bool(let bool) = value else {
            throw DocumentError(expected: "a boolean", found: value.kind)
        }
        self = bool
    }
}

extension String: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        guard case .string(let string) = value else {
            throw DocumentError(expected: "a string", found: value.kind)
        }
        self = string
    }
}

extension DocumentReadable where Self: FixedWidthInteger {
    init(reading value: JSONValue) throws(DocumentError) {
        guard case .number(let number) = value else {
            throw DocumentError(expected: "an integer", found: value.kind)
        }
        guard let integer = number.integer(Self.self) else {
            if number.isWhole { throw DocumentError(outOfRange: number) }
            throw DocumentError(expected: "an integer", found: number.text)
        }
        self = integer
    }
}

extension Int: DocumentReadable {}
extension UInt64: DocumentReadable {}

extension DocumentReadable where Self: BinaryFloatingPoint & LosslessStringConvertible {
    init(reading value: JSONValue) throws(DocumentError) {
        guard case .number(let number) = value else {
            throw DocumentError(expected: "a number", found: value.kind)
        }
        guard let value = number.floatingPoint(Self.self) else {
            throw DocumentError(outOfRange: number)
        }
        self = value
    }
}

extension Float: DocumentReadable {}
extension Double: DocumentReadable {}

extension Array: DocumentReadable where Element: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        guard case .array(let values) = value else {
            throw DocumentError(expected: "an array", found: value.kind)
        }
        self = []
        // Memory: checked for the whole header.
        reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            do { append(try Element(reading: value)) } catch { throw error.within("\(index)") }
        }
    }
}

extension Dictionary: DocumentReadable where Key == ByteName, Value: DocumentReadable {
    init(reading value: JSONValue) throws(DocumentError) {
        let object = try DocumentObject(value)
        self = [:]
        // Memory: checked for the whole header.
        reserveCapacity(object.members.count)
        for (key, value) in object.members {
            do { self[ByteName(key)] = try Value(reading: value) } catch { throw error.within(key) }
        }
    }
}
