import OrepaFiles
import OrepaNetwork

extension Verifier {
    /// Whether the terms of which the logits are sums mostly cancel, so that rounding shows in them.
    ///
    /// - Parameter features: what the linear layer of `network` is given.
    static func cancel(
        _ logits: [Double], of features: [Double], _ network: Network
    ) -> Bool {
        guard
            case .linear(let linear) = network.graph.nodes[network.graph.nodes.count - 1].operation,
            let weight = network.tensors["\(linear.parameters).weight"]
        else { return false }
        let largestTerms = weight.withUnsafeBufferPointer { weight in
            logits.indices.map { output in
                features.indices.reduce(0.0) { sum, index in
                    let term = Double(weight[output * features.count + index]) * features[index]
                    return sum + term * term
                }.squareRoot()
            }.max() ?? 0
        }
        return logits.allSatisfy { abs($0) < largestTerms / 10 }
    }
}
