/// Which algorithms may compute a network.
public enum Numerics: String, Sendable, CaseIterable {
    /// Any; Winograd tiles multiply the rounding of 3x3 convolutions by about ten.
    case fast
    /// Direct sums only.
    case strict
}

/// One value for each ``Numerics``.
public struct PerNumerics<Value> {
    public let fast: Value
    public let strict: Value

    public init(fast: Value, strict: Value) {
        self.fast = fast
        self.strict = strict
    }

    public subscript(numerics: Numerics) -> Value {
        switch numerics {
        case .fast: fast
        case .strict: strict
        }
    }
}

extension PerNumerics: Sendable where Value: Sendable {}
extension PerNumerics: Equatable where Value: Equatable {}
extension PerNumerics: Hashable where Value: Hashable {}
