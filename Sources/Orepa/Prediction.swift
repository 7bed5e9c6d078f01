/// One class in the answer about a picture.
public struct Prediction: Sendable, Hashable {
    /// Place of the class in the logits, from 0.
    public let index: Int
    /// Name of the class, or nil when the model has no labels.
    public let label: String?
    /// Softmax of the logits, 0...1; of a single logit its logistic sigmoid.
    public let probability: Float
    /// The network's output as it is.
    public let logit: Float
}
