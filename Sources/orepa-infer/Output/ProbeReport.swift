import OrepaJSON
import OrepaNetwork
import OrepaPlan
import OrepaThreads

/// What `verify` says about the probe of a model file.
struct ProbeReport {
    private let probe: ModelProbe?
    private let failure: ModelFileError?

    /// Runs the probe.
    init(_ model: ModelFile, budget: ModelBudget, pool: WorkerPool) throws(Failure) {
        probe = model.description.probe
        do {
            try model.checkProbe(budget: budget, pool: pool)
            failure = nil
        } catch {
            guard case .model(let fault) = error, case .probe = fault else {
                throw Failure(error, planning: model.path)
            }
            failure = fault
        }
    }

    var line: String {
        guard let probe else { return "probe: none\n" }
        if case .probe(_, let numerics, _, _, _)? = failure {
            return "probe of seed \(probe.seed): OTHER logits (\(numerics.rawValue))\n"
        }
        return "probe of seed \(probe.seed): the same logits to the bit, fast and strict\n"
    }

    /// null without a probe.
    var json: JSONValue {
        guard let probe else { return .null }
        return .object([
            ("seed", .string("\(probe.seed)")), ("passed", .bool(failure == nil)),
        ])
    }

    /// - Throws: where other logits come out than the file keeps.
    func check() throws(Failure) {
        if let failure { throw Failure(failure) }
    }
}
