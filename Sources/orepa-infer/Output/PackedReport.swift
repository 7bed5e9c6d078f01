import OrepaJSON
import OrepaNetwork
import OrepaPlan
import OrepaThreads

/// What `verify` says about the packed weights of a model file.
struct PackedReport {
    private let path: String
    private let comparisons: [PackedComparison]

    /// Packs the network anew and compares.
    init(_ model: ModelFile, budget: ModelBudget, pool: WorkerPool) throws(Failure) {
        path = model.path
        do { comparisons = try model.comparePacked(budget: budget, pool: pool) } catch {
            throw Failure(error, planning: model.path)
        }
    }

    /// A line for each part; empty without any.
    var lines: String {
        comparisons.map { comparison in
            let remark =
                switch comparison.outcome {
                case .equal: "the same bits as packed anew"
                case .differs(let layer?): "DIFFERS from what `\(layer)` is packed anew"
                case .differs(nil): "DIFFERS in its number of values"
                case .unknown: "not compared: this version does not use it"
                }
            return "packed \(comparison.name.dropFirst(ModelFile.packedPrefix.count)): \(remark)\n"
        }.joined()
    }

    var json: JSONValue {
        .array(
            comparisons.map { comparison in
                let isEqual: JSONValue =
                    switch comparison.outcome {
                    case .equal: .bool(true)
                    case .differs: .bool(false)
                    case .unknown: .null
                    }
                return .object([("name", .string(comparison.name)), ("equal", isEqual)])
            })
    }

    /// - Throws: where some part is not what the network packs to.
    func check() throws(Failure) {
        for comparison in comparisons {
            guard case .differs(let layer) = comparison.outcome else { continue }
            throw Failure(
                .badData,
                "\(path): `\(comparison.name)`: expected the bits that "
                    + (layer.map { "`\($0)`" } ?? "the network")
                    + " is packed to, found others; `orepa-infer convert --pack` writes right ones")
        }
    }
}
