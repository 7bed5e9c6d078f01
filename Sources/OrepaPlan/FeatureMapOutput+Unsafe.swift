import OrepaNetwork

/// A feature map that a call gives beside the logits.
public struct FeatureMapOutput {
    package let step: Int
    package let buffer: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - step: One of ``Plan/featureMaps``, by its step.
    ///   - buffer: `[count, C, H, W]`, Float32, row-major, initialised by the call.
    public init(step: Int, buffer: UnsafeMutableBufferPointer<Float>) {
        self.step = step
        self.buffer = buffer
    }
}

extension Plan {
    /// The feature maps that calls can give: the value of each step, by the name of its node. Additions that a
    /// convolution absorbed have no map without them.
    public var featureMaps: [(step: Int, name: String, shape: Shape)] {
        steps.indices.map { index in
            let map = steps[index].output.map
            return (
                index, steps[index].name,
                Shape(channels: Int(map.channels), height: Int(map.height), width: Int(map.width))
            )
        }
    }
}
