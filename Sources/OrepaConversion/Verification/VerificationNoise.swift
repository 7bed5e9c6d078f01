import OrepaNetwork

/// Random values on which networks are compared: approximately normal, mean 0 and variance 1, like a
/// normalised picture, and the same from the same seed everywhere.
struct VerificationNoise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in nextNormal() } }

    /// Outputs of a layer that make it unlikely that all are near 0 by chance.
    private static let enoughOutputs = 256

    /// A feature map of `shape`, with more rows and columns where the layer's `output` has few values.
    mutating func featureMap(like shape: Shape, output: Shape) -> FeatureMap {
        var factor = 1
        while output.elementCount * factor * factor < VerificationNoise.enoughOutputs {
            factor *= 2
        }
        let shape = Shape(
            channels: shape.channels, height: shape.height * factor, width: shape.width * factor)
        return FeatureMap(shape: shape, values: values(shape.elementCount).map(Double.init))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The sum of twelve numbers evenly spread over -1/2 to 1/2, which has variance 1. Exact arithmetic.
    private mutating func nextNormal() -> Float {
        var sum: Int64 = 0
        for _ in 0..<3 {
            let bits = next()
            for part in 0..<4 as Range<UInt64> {
                sum += Int64(bits >> (16 * part) & 0xFFFF) - 0x8000
            }
        }
        return Float(sum) * 0x1p-16
    }
}
