import OrepaNetwork

/// How the folded output of one layer compares with the unfused one.
public struct OutputComparison: Sendable, Hashable {
    /// The layer's name, such as `stage1.0.conv2`, or `logits`.
    public let name: String
    /// The kind of the training-time block (``BlockKind``'s raw value), or `linear`.
    public let kind: String
    /// The largest absolute difference divided by ``largestOutput``; infinity when an output is not
    /// finite, or when only the unfused one is all zero. A block is given two feature maps, of which this
    /// is about the one with the larger error.
    public let error: Double
    /// The largest absolute value of the unfused output.
    public let largestOutput: Double

    package init(name: String, kind: String, unfused: [Double], folded: [Float]) {
        self.name = name
        self.kind = kind
        var largest = 0.0
        var difference = 0.0
        // `max` would lose a NaN; once one is met, the sum of everything is no number either.
        var sum = 0.0
        for (unfused, folded) in zip(unfused, folded) {
            largest = max(largest, abs(unfused))
            difference = max(difference, abs(unfused - Double(folded)))
            sum += unfused * 0 + Double(folded) * 0
        }
        largestOutput = largest
        if !sum.isFinite || unfused.count != folded.count {
            error = .infinity
        } else {
            error = difference == 0 ? 0 : difference / largest
        }
    }
}

/// What the comparison of an unfused training-time network with its folded form found, on one picture.
public struct Verification: Sendable, Hashable {
    /// Seed of the random picture.
    public let seed: UInt64
    /// Height and width of the picture, in pixels.
    public let inputSize: Int
    /// For each convolution and the linear layer, before a ReLU: the unfused block in Float64 against its
    /// folded form in the Float32 executor, given the same feature maps.
    public let blocks: [OutputComparison]
    /// The unfused network in Float64 against the folded one, run wholly in Float32 with ``Numerics/strict``, end
    /// to end.
    public let logits: OutputComparison
    /// The same with ``Numerics/fast``. It does not decide whether the fold is right, unless it is infinite.
    public let fastLogits: OutputComparison
    /// The class of the largest logit, unfused and folded.
    public let topClasses: (unfused: Int, folded: Int)
    public let blockTolerance: Double
    public let logitTolerance: Double

    package init(
        options: VerificationOptions, inputSize: Int, blocks: [OutputComparison],
        unfusedLogits: [Double], foldedLogits: PerNumerics<[Float]>
    ) {
        seed = options.seed
        self.inputSize = inputSize
        self.blocks = blocks
        logits = OutputComparison(
            name: "logits", kind: "network", unfused: unfusedLogits, folded: foldedLogits.strict)
        fastLogits = OutputComparison(
            name: "logits, fast", kind: "network", unfused: unfusedLogits,
            folded: foldedLogits.fast)
        topClasses = (indexOfLargest(unfusedLogits), indexOfLargest(foldedLogits.strict))
        blockTolerance = options.blockTolerance
        logitTolerance = options.logitTolerance
    }

    /// Whether every block and the logits are within their tolerances.
    public var passed: Bool { failures.isEmpty }

    /// What is beyond its tolerance, in the order of the network, the logits last. Of those with ``Numerics/fast``
    /// it is only asked that they are finite.
    public var failures: [OutputComparison] {
        blocks.filter { !($0.error <= blockTolerance) }
            + [logits].filter { !($0.error <= logitTolerance) }
            + [fastLogits].filter { !$0.error.isFinite }
    }

    /// The largest error of the logits that is expected of ``Numerics/fast``, as it comes out for networks whose
    /// layers do not amplify rounding: Winograd tiles round about ten times as much as direct sums.
    public static let fastTolerance = 1e-4

    /// Whether ``fastLogits`` are within ``fastTolerance``. Where they are not, the fold may still be right, and
    /// ``Numerics/strict`` is what gives its logits.
    public var isFastPrecise: Bool { fastLogits.error <= Verification.fastTolerance }

    /// The largest error with which one of ``failures`` would have passed; nil where any finite one would.
    public func tolerance(of comparison: OutputComparison) -> Double? {
        if comparison == fastLogits { return nil }
        return comparison == logits ? logitTolerance : blockTolerance
    }

    /// The block with the largest error.
    public var worstBlock: OutputComparison {
        // Every network has a linear layer, so there is one.
        blocks.max { $0.error < $1.error }!
    }

    /// What a model file keeps of it.
    public var record: VerificationRecord {
        VerificationRecord(
            seed: seed, inputSize: inputSize, blockError: worstBlock.error,
            worstBlock: worstBlock.name, blockTolerance: blockTolerance, logitError: logits.error,
            logitTolerance: logitTolerance, fastLogitError: fastLogits.error)
    }

    public static func == (first: Verification, second: Verification) -> Bool {
        first.record == second.record && first.blocks == second.blocks
            && first.logits == second.logits && first.fastLogits == second.fastLogits
            && first.topClasses == second.topClasses
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(record)
        hasher.combine(blocks)
    }
}

/// The first index of the largest value; NaN is never the largest.
private func indexOfLargest(_ values: [some BinaryFloatingPoint]) -> Int {
    values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
}
