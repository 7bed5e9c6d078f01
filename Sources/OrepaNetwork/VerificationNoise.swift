/// Random values on which networks are compared: approximately normal, mean 0 and variance 1, like a
/// normalised picture. The same bits from the same seed everywhere: the arithmetic is exact.
package struct VerificationNoise {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in nextNormal() } }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The sum of twelve numbers evenly spread over -1/2 to 1/2, which has variance 1.
    private mutating func nextNormal() -> Float {
        // Each word has four numbers of 16 bits; they are added in two lanes of 32.
        let lanes: UInt64 = 0x0000_FFFF_0000_FFFF
        var sums: UInt64 = 0
        for _ in 0..<3 {
            let bits = next()
            sums += (bits & lanes) + (bits >> 16 & lanes)
        }
        return Float(Int32(truncatingIfNeeded: (sums & 0xFFFF_FFFF) + sums >> 32) - 12 * 0x8000)
            * 0x1p-16
    }
}
