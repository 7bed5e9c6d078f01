/// What is done to each value of an operation's result.
public enum Activation: String, Sendable, Hashable, CaseIterable {
    /// Nothing.
    case identity
    /// Negative values become 0; NaN stays.
    case relu

    /// What descriptions put after an operation that has it, such as ` + ReLU`.
    package var suffix: String {
        switch self {
        case .identity: ""
        case .relu: " + ReLU"
        }
    }
}
