import OrepaPlan

/// How a folded network is compared with the unfused one.
public struct VerificationOptions: Sendable, Hashable {
    /// The largest error of a block that passes, given the same feature map: 1e-5 by default.
    public var blockTolerance: Double
    /// The largest error of the logits with ``Numerics/strict`` that passes: 5e-4 by default, since deep networks amplify the
    /// rounding of every layer before.
    public var logitTolerance: Double
    /// Height and width of the random picture, in pixels. By default 64, doubled until every weight of
    /// every kernel meets a pixel.
    public var inputSize: Int?
    /// Seed of the random picture; of a following one where all logits come out near 0 by chance.
    public var seed: UInt64
    /// What running the folded network may cost, on the random picture and on one of the model's own size.
    public var budget: ModelBudget

    public init(
        blockTolerance: Double = 1e-5, logitTolerance: Double = 5e-4, inputSize: Int? = nil,
        seed: UInt64 = 1, budget: ModelBudget = .default
    ) {
        self.blockTolerance = blockTolerance
        self.logitTolerance = logitTolerance
        self.inputSize = inputSize
        self.seed = seed
        self.budget = budget
    }

    /// - Throws: ``ConversionError/tolerance(name:found:)`` unless the tolerances are finite and not
    ///   negative.
    func check() throws(ConversionError) {
        for (name, value) in [
            ("block tolerance", blockTolerance), ("tolerance", logitTolerance),
        ] where !(value >= 0 && value.isFinite) {
            throw .tolerance(name: name, found: value)
        }
    }
}
