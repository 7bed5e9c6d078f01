import OrepaImage
import OrepaNetwork
import OrepaSystem

/// What a call gives beside the logits.
public struct Outputs: Sendable, Hashable {
    /// Whether to give the feature vector, the values before the linear layer, such as for retrieval.
    public var features: Bool
    /// Names of the stages (``Model/stages``) whose feature maps to give, such as for the necks of detectors.
    public var stages: [String]

    /// - Parameters are the properties.
    public init(features: Bool = false, stages: [String] = []) {
        self.features = features
        self.stages = stages
    }

    /// Nothing beside the logits.
    public static let logits = Outputs()
}

/// A part of a network whose feature maps have one size; its value is that of its last layer.
public struct Stage: Sendable, Hashable {
    /// Such as `stage3`.
    public let name: String
    /// `[C, H, W]` of its feature map.
    public let shape: Shape
}

/// The value of a stage for one picture.
public struct FeatureMap: Sendable, Hashable {
    /// The stage's.
    public let name: String
    /// `[C, H, W]`.
    public let shape: Shape
    /// Float32, row-major.
    public let values: [Float]
}

/// What a network says about one picture.
public struct Answer: Sendable, Hashable {
    /// The logits, and what follows from them.
    public let scores: Scores
    /// The values before the linear layer, if they were asked for.
    public let features: [Float]?
    /// Of the stages that were asked for, in that order.
    public let featureMaps: [FeatureMap]
    /// What is odd about the picture's file: that it is damaged, or that its pixels are not those that Pillow would
    /// give. Empty for most, and for what is no file.
    public let warnings: [ImageWarning]
    /// Names of the classes.
    let labels: [String]?

    /// `[classes]`, Float32.
    public var logits: [Float] { scores.logits }

    /// Softmax of the logits; of a single logit its logistic sigmoid.
    public var probabilities: [Float] { scores.probabilities }

    /// The `count` largest logits, largest first; of equal ones the lower index first.
    ///
    /// - Parameters:
    ///   - count: 0 or more.
    ///   - labels: Names of the classes; nil for the model's own.
    /// - Throws: ``OrepaError/Code/notFinite`` when a logit is NaN or infinite, ``OrepaError/Code/outOfMemory``.
    public func top(
        _ count: Int = 5, labels: [String]? = nil
    ) throws(OrepaError) -> [Prediction] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try OrepaError.check(count: logits.count, size: Scores.memoryPerClass)
        guard scores.areFinite else {
            throw OrepaError(
                .notFinite,
                "the network's output: expected finite logits, found "
                    + "\(logits.first { !$0.isFinite }!); the input or the model is damaged")
        }
        return scores.top(max(count, 0), labels: labels ?? self.labels)
    }
}
