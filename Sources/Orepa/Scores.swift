import OrepaSystem

/// The logits of one picture.
public struct Scores: Sendable, Hashable {
    /// `[classes]`, Float32.
    public let logits: [Float]

    /// What probabilities and their order take for a class at most, in bytes.
    package static let memoryPerClass = 128

    public init(logits: [Float]) {
        self.logits = logits
    }

    /// True when no logit is NaN or infinite.
    public var areFinite: Bool {
        withStandardArithmetic { logits.allSatisfy(\.isFinite) }
    }

    /// Softmax, `exp(logit - largest) / sum`, computed in Float64 and rounded once: the same bits everywhere.
    /// As in PyTorch all are NaN when a logit is NaN or positive infinity, or all are negative infinity.
    public var probabilities: [Float] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard let largest = logits.max() else { return [] }
        let exponentials = logits.map { exponential(Double($0) - Double(largest)) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { Float($0 / sum) }
    }

    /// The `count` largest logits, largest first; of equal ones the lower index first.
    public func top(_ count: Int, labels: [String]?) -> [Prediction] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let probabilities = probabilities
        let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
        return order.prefix(max(count, 0)).map { index in
            Prediction(
                index: index,
                label: labels.flatMap { $0.indices.contains(index) ? $0[index] : nil },
                probability: probabilities[index], logit: logits[index])
        }
    }
}
