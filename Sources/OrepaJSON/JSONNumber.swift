import OrepaSystem

/// A number as JSON writes it: kept as its text, so that it loses nothing before it is known what it is to be.
package struct JSONNumber: Sendable {
    package let text: String

    /// - Parameter text: As the grammar of numbers wants it.
    init(text: String) { self.text = text }

    package init(_ value: some FixedWidthInteger) { text = String(value) }

    /// The shortest decimal that gives the number back; nil for those that JSON cannot hold.
    package init?(_ value: some BinaryFloatingPoint & CustomStringConvertible) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// The number as an integer: nil when it is none, or beyond the type's range. One with a fraction of zeros or an
    /// exponent is taken up to 2^53, to where Float64 holds every integer.
    package func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        if let value = Integer(text) { return value }
        return withStandardArithmetic {
            guard !isWhole, let value = Double(text), value.magnitude <= 0x1p53 else { return nil }
            return Integer(exactly: value)
        }
    }

    /// The nearest number of the type, rounded once; nil when it is beyond the type's range.
    package func floatingPoint<Value: BinaryFloatingPoint & LosslessStringConvertible>(
        _ type: Value.Type
    ) -> Value? {
        withStandardArithmetic {
            guard let value = Value(text), value.isFinite else { return nil }
            return value
        }
    }

    /// Whether it is written as an integer, without fraction and exponent.
    package var isWhole: Bool { text.utf8.allSatisfy { $0 != 0x2E && $0 | 0x20 != 0x65 } }
}
