import COrepaKernels
import OrepaNetwork

/// How a plan computes one of its steps, for people and for measurements.
public struct StepDescription: Sendable {
    /// A feature map as it lies in memory: blocks of `block` channels, with a border of zeros on every side.
    public struct Map: Sendable {
        public let channels: Int
        public let height: Int
        public let width: Int
        /// Pixels.
        public let border: Int
        /// Channels that lie together: 16, or 1 in a planar network input.
        public let block: Int
        /// Of one picture, border included.
        public let byteCount: Int
    }

    /// What the operation is, apart from its weights.
    public struct Window: Sendable {
        public let kernel: Int
        public let stride: Int
        public let padding: Int
        /// Of a pool as many as channels.
        public let groups: Int
        public let activation: Activation
    }

    /// Name of the graph's node whose value the step makes.
    public let name: String
    /// Such as `winograd`, `direct`, `max pool`.
    public let algorithm: String
    /// How the output is cut: a Winograd layer's tiles as rows x columns, such as `4+4+4+2 x 14*4`, and the
    /// register tile as pixels x blocks of 16 channels. Empty for what is no convolution.
    public let tiles: String
    /// Nil for what has no window.
    public let window: Window?
    public let input: Map
    public let output: Map
    /// What is added to the result.
    public let summand: Map?
    /// Multiplications with addition of the operation as it is defined, for one picture.
    public let multiplyAccumulates: Int
    /// Those that the kernels do for one picture: after what Winograd tiles save, without their transforms, with
    /// the lanes that fill up blocks of channels.
    public let executedMultiplyAccumulates: Int
    /// Bytes of the packed weights and bias.
    public let weightByteCount: Int

    /// Bytes of the maps that the step reads and writes for one picture.
    public var mapByteCount: Int {
        input.byteCount + output.byteCount + (summand?.byteCount ?? 0)
    }
}

extension Plan {
    /// In the order in which the steps run.
    public var stepDescriptions: [StepDescription] { steps.map(StepDescription.init) }
}

extension StepDescription {
    fileprivate init(_ step: Plan.Step) {
        name = step.name
        multiplyAccumulates = step.multiplyAccumulates
        input = Map(step.input.map)
        output = Map(step.output.map)
        algorithm = step.operation.algorithmName
        window = step.operation.window
        summand = step.operation.summand.map { Map($0.map) }
        let kernel = step.kernel
        tiles = kernel?.tiles ?? ""
        executedMultiplyAccumulates = kernel?.multiplyAccumulates ?? 0
        weightByteCount = (kernel?.packedCount ?? 0) * MemoryLayout<Float>.size
    }
}

extension StepDescription.Map {
    fileprivate init(_ map: orepa_map) {
        self.init(
            channels: Int(map.channels), height: Int(map.height), width: Int(map.width),
            border: Int(map.border), block: Int(map.block),
            byteCount: Int(map.image) * MemoryLayout<Float>.size)
    }
}
