import OrepaNetwork

extension VerificationNoise {
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
}
