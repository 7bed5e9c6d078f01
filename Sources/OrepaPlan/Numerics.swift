/// Which algorithms a plan may choose.
public enum Numerics: String, Sendable, CaseIterable {
    /// Any; Winograd tiles multiply the rounding of 3x3 convolutions by about ten.
    case fast
    /// Direct sums only.
    case strict
}
