import OrepaFiles

/// What a deployed model's file says about it besides the network itself.
public struct ModelDescription: Sendable, Hashable {
    /// `RepVGG`, `ResNet` or `ResNeXt`.
    public var family: String
    /// How many blocks of each kind the training network had.
    public var blocks: [ByteName: Int]
    public var preprocessing: Preprocessing
    /// Class names in the order of the logits, or nil.
    public var labels: [String]?
    public var source: Source?
    /// nil when there was nothing to verify, since the checkpoint was folded already.
    public var verification: VerificationRecord?
    /// nil in files of before it was recorded.
    public var assumptions: NetworkAssumptions?
    /// How each layer is computed on pictures of the model's own size, by the name of its node. nil in files that do
    /// not say: plans choose then.
    public var algorithms: PerNumerics<[ByteName: LayerAlgorithm]>?
    /// nil in files that have none.
    public var probe: ModelProbe?
    /// Name and version of the program that wrote the file.
    public var tool: String

    /// The checkpoint that a model was made from.
    public struct Source: Sendable, Hashable {
        /// Its file name, without the folder.
        public let name: String
        /// SHA-256 of the whole file, 64 hexadecimal digits.
        public let sha256: String

        public init(name: String, sha256: String) {
            self.name = name
            self.sha256 = sha256
        }
    }

    public init(
        family: String, blocks: [ByteName: Int], preprocessing: Preprocessing,
        labels: [String]? = nil,
        source: Source? = nil, verification: VerificationRecord? = nil,
        assumptions: NetworkAssumptions? = nil,
        algorithms: PerNumerics<[ByteName: LayerAlgorithm]>? = nil, probe: ModelProbe? = nil,
        tool: String
    ) {
        self.family = family
        self.blocks = blocks
        self.preprocessing = preprocessing
        self.labels = labels
        self.source = source
        self.verification = verification
        self.assumptions = assumptions
        self.algorithms = algorithms
        self.probe = probe
        self.tool = tool
    }
}

/// What the comparison of the folded with the unfused network found when the file was made. Errors are
/// the largest absolute difference divided by the largest absolute value of the unfused output.
public struct VerificationRecord: Sendable, Hashable {
    /// Seed of the random input.
    public let seed: UInt64
    /// Height and width of the random input, in pixels.
    public let inputSize: Int
    /// The largest error of any block, given the same feature map.
    public let blockError: Double
    /// The block that had it.
    public let worstBlock: String
    public let blockTolerance: Double
    /// The error of the logits, end to end.
    public let logitError: Double
    public let logitTolerance: Double
    /// The error of the logits with ``Numerics/fast``; the other errors are with ``Numerics/strict``. nil in files
    /// of before it was recorded.
    public let fastLogitError: Double?

    public init(
        seed: UInt64, inputSize: Int, blockError: Double, worstBlock: String,
        blockTolerance: Double,
        logitError: Double, logitTolerance: Double, fastLogitError: Double? = nil
    ) {
        self.seed = seed
        self.inputSize = inputSize
        self.blockError = blockError
        self.worstBlock = worstBlock
        self.blockTolerance = blockTolerance
        self.logitError = logitError
        self.logitTolerance = logitTolerance
        self.fastLogitError = fastLogitError
    }
}
