import OrepaNetwork

/// One of the ``NetworkAssumptions`` as people read it.
public struct AssumptionFact: Sendable, Hashable {
    public let name: String
    public let value: String
    /// The option of the program that says otherwise.
    public let option: String
}

extension NetworkAssumptions {
    /// What there is to say, in the order of the network; what plays no role is left out.
    public var facts: [AssumptionFact] {
        var facts = [
            AssumptionFact(
                name: "strides", value: strides.map(String.init).joined(separator: ","),
                option: "--strides")
        ]
        if let stem {
            facts.append(
                AssumptionFact(
                    name: "stem",
                    value: "\(stem.rawValue), \(hasStemPool ? "with a max pool" : "no pool")",
                    option: "--stem"))
        }
        if let batchNormEpsilon {
            facts.append(
                AssumptionFact(
                    name: "bn epsilon", value: "\(batchNormEpsilon)",
                    option: "--bn-epsilon"))
        }
        facts.append(
            AssumptionFact(
                name: "state dict", value: stateDict.map { "`\($0)`" } ?? "the file itself",
                option: "--state-dict"))
        if let inputSize {
            facts.append(
                AssumptionFact(name: "input size", value: "\(inputSize)", option: "--input-size"))
        }
        return facts
    }
}
