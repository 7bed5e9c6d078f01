/// A number of elements, bytes or operations that follows from what a file says: 63 bits, never negative.
///
/// Arithmetic neither wraps nor traps. A result that is negative or that 63 bits cannot hold has no ``value``, and
/// nothing that is calculated from it has one; so an expression is written as on paper and checked once, where the
/// number leaves it:
///
/// ```swift
/// guard let byteCount = (CheckedSize.product(of: shape) * 4 + offset).atMost(file.count) else { ... }
/// ```
public struct CheckedSize: Sendable, Hashable {
    /// The number, or nil where it is negative or 2^63 or more.
    public let value: Int?

    /// The number itself, which is no size where it is negative or 2^63 or more.
    @inlinable
    public init(_ number: some BinaryInteger) {
        value = Int(exactly: number).flatMap { $0 >= 0 ? $0 : nil }
    }

    @usableFromInline
    init(_ result: (partialValue: Int, overflow: Bool)) {
        value = result.overflow || result.partialValue < 0 ? nil : result.partialValue
    }

    @usableFromInline
    init(value: Int?) { self.value = value }

    /// The product of the extents of a shape: 1 for that of a scalar, which is empty. No size where an extent is
    /// negative, or where the extents up to any one have a product of 2^63 or more, also where a later one is 0.
    public static func product(of extents: some Sequence<Int>) -> CheckedSize {
        var product = CheckedSize(1)
        for extent in extents { product = product * extent }
        return product
    }

    /// The number where it is one of at most `limit`, or else nil.
    @inlinable
    public func atMost(_ limit: Int) -> Int? { value.flatMap { $0 <= limit ? $0 : nil } }

    @inlinable
    public static func + (first: CheckedSize, second: CheckedSize) -> CheckedSize {
        guard let first = first.value, let second = second.value else {
            return CheckedSize(value: nil)
        }
        return CheckedSize(first.addingReportingOverflow(second))
    }

    @inlinable
    public static func - (first: CheckedSize, second: CheckedSize) -> CheckedSize {
        guard let first = first.value, let second = second.value else {
            return CheckedSize(value: nil)
        }
        return CheckedSize(first.subtractingReportingOverflow(second))
    }

    @inlinable
    public static func * (first: CheckedSize, second: CheckedSize) -> CheckedSize {
        guard let first = first.value, let second = second.value else {
            return CheckedSize(value: nil)
        }
        return CheckedSize(first.multipliedReportingOverflow(by: second))
    }

    @inlinable
    public static func + (first: CheckedSize, second: Int) -> CheckedSize {
        first + CheckedSize(second)
    }

    @inlinable
    public static func - (first: CheckedSize, second: Int) -> CheckedSize {
        first - CheckedSize(second)
    }

    @inlinable
    public static func * (first: CheckedSize, second: Int) -> CheckedSize {
        first * CheckedSize(second)
    }
}

extension CheckedSize: CustomStringConvertible {
    public var description: String { value.map(String.init) ?? "2^63 or more" }
}
