/// Where a call writes what it finds out: memory of the caller's, initialised or not, no part of it twice. After an error what
/// is in it has no meaning.
public struct OutputBuffers {
    /// `[count, classes]`, Float32, row-major.
    public var logits: UnsafeMutableBufferPointer<Float>
    /// `[count, features]`, Float32, row-major: the values before the linear layer. Nil where they are not wanted.
    public var features: UnsafeMutableBufferPointer<Float>?
    /// The stages whose feature maps are wanted, each once.
    public var stages: [StageBuffer]

    /// - Parameters are the properties.
    public init(
        logits: UnsafeMutableBufferPointer<Float>,
        features: UnsafeMutableBufferPointer<Float>? = nil, stages: [StageBuffer] = []
    ) {
        self.logits = logits
        self.features = features
        self.stages = stages
    }
}

/// Where a call writes the feature maps of a stage.
public struct StageBuffer {
    /// One of ``Model/stages``.
    public var name: String
    /// `[count, C, H, W]` of the stage, Float32, row-major.
    public var values: UnsafeMutableBufferPointer<Float>

    /// - Parameters are the properties.
    public init(name: String, values: UnsafeMutableBufferPointer<Float>) {
        self.name = name
        self.values = values
    }
}

/// The same by the stage's place in ``Model/stages``.
package struct StageTarget {
    let stage: Int
    let values: UnsafeMutableBufferPointer<Float>

    package init(stage: Int, values: UnsafeMutableBufferPointer<Float>) {
        self.stage = stage
        self.values = values
    }
}
