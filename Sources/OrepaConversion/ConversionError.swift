import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaTraining

/// Why a checkpoint is not converted or verified.
public enum ConversionError: Error, Hashable, Sendable {
    case checkpoint(CheckpointError)
    case training(TrainingError)
    case fold(FoldError)
    case model(ModelFileError)
    /// The file to be written cannot be.
    case output(FileError)
    /// The network does not run on pictures of the size that is asked for.
    case network(path: String, NetworkError)
    /// The folded network cannot be run.
    case plan(path: String, PlanError)
    /// There are more or fewer names than the network has classes.
    case labelCount(path: String, expected: Int, found: Int)
    /// A field of the preprocessing makes no sense for the checkpoint's network.
    case preprocessing(path: String, field: String, expected: String, found: String)
    /// A tolerance that is negative or no finite number.
    case tolerance(name: String, found: Double)
    /// Some weights of `node` would meet nothing but padding in a picture of `found` pixels a side;
    /// `expected` is the least that will do, where it is known.
    case inputSize(path: String, node: String, expected: Int?, found: Int)
    /// To compare the network on a picture of `size` pixels a side would take more than is allowed: `found` and `limit`
    /// are multiplications with addition.
    case verificationCost(path: String, size: Int, limit: Int, found: Int?)
    /// On a picture of `size` pixels a side the output of `node` has more than `limit` elements.
    case verificationMap(path: String, node: String, size: Int, limit: Int)
    /// The model says that it was made from a file with another SHA-256.
    case otherCheckpoint(model: String, checkpoint: String, expected: String, found: String)
    /// The model's graph is not the checkpoint's. `expected` and `found` are the first layer that differs.
    case otherNetwork(model: String, checkpoint: String, expected: String, found: String)
    /// A model file's tensors, with what was assumed of them, are recognised as another network than its graph is.
    /// `expected` and `found` are the first layer that differs.
    case otherGraph(path: String, expected: String, found: String, NetworkAssumptions)
    /// The folded network's logits on the probe picture are not finite.
    case notFinite(path: String, numerics: Numerics)
    /// The logits that the network is held against cannot be used.
    case reference(ReferenceError)
    /// The network does not give the reference's logits; nothing was written. `counterparts` are other state dicts of
    /// the checkpoint.
    case otherLogits(
        path: String, ReferenceComparison, NetworkAssumptions, counterparts: [String])
    /// The folded network does not compute what the unfused one does; nothing was written.
    case notVerified(path: String, Verification)
    /// The system refused memory that the libraries need.
    case memory(byteCount: Int)
    /// A library that converting needs is not on this machine; the sentence says which and why.
    case library(String)
}

extension ConversionError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .checkpoint(let error): error.description
        case .training(let error): error.description
        case .fold(let error): error.description
        case .model(let error): error.description
        case .output(let error): error.description
        case .network(let path, let error): "\(path): \(error)"
        case .plan(let path, let error): "\(path): \(error)"
        case .labelCount(let path, let expected, let found):
            "\(path): expected \(expected) labels, one for each class, found \(found)"
        case .preprocessing(let path, let field, let expected, let found):
            "\(path): \(field): expected \(expected), found \(found)"
        case .tolerance(let name, let found):
            "\(name): expected a number of at least 0, found \(found)"
        case .inputSize(let path, let node, let expected, let found):
            "\(path): an input of \(found) pixels a side does not test every weight of `\(node)`"
                + (expected.map { "; expected at least \($0)" } ?? "")
        case .verificationCost(let path, let size, let limit, let found):
            "\(path): to test every weight takes a picture of \(size) pixels a side and "
                + "\(found.map { "\($0)" } ?? "more than 2^63") multiplications; expected at most "
                + "\(limit), whatever the network"
        case .verificationMap(let path, let node, let size, let limit):
            "\(path): to test every weight takes a picture of \(size) pixels a side, for which "
                + "\(node.quoted) has more than the \(limit) outputs that are allowed"
        case .otherCheckpoint(let model, let checkpoint, let expected, let found):
            "\(model): made from another checkpoint than \(checkpoint): expected the SHA-256 "
                + "\(expected), found \(found)"
        case .otherNetwork(let model, let checkpoint, let expected, let found):
            "\(model): another network than \(checkpoint): expected \(expected), found \(found)"
        case .otherGraph(let path, let expected, let found, let assumptions):
            "\(path): the tensors are recognised as another network than the file's graph is: expected \(expected), "
                + "found \(found); what is not in the tensors and could be the cause: "
                + assumptions.facts.filter { ["--strides", "--stem"].contains($0.option) }
                .map { "\($0.name) \($0.value) (\($0.option))" }.joined(separator: ", ")
        case .notFinite(let path, let numerics):
            "\(path): the logits of a random picture (\(numerics.rawValue)): expected finite numbers, found "
                + "infinity or no number"
        case .reference(let error): error.description
        case .otherLogits(let path, let comparison, let assumptions, let counterparts):
            "\(path): other logits than those of \(comparison.path): expected an error of at most "
                + "\(comparison.tolerance), found \(comparison.error); what is not in the checkpoint and could be "
                + "the cause: "
                + assumptions.facts.filter { $0.option != "--input-size" }
                .map { "\($0.name) \($0.value) (\($0.option))" }.joined(separator: ", ")
                + (counterparts.isEmpty
                    ? ""
                    : "; there is another state dict under "
                        + counterparts.map { "`\($0)`" }.joined(separator: ", "))
                + "; or the reference was not computed in evaluation mode, with these weights and this input"
        case .notVerified(let path, let verification):
            "\(path): the folded network differs from the unfused one: "
                + verification.failures.prefix(3).map { failure in
                    let expected =
                        verification.tolerance(of: failure).map { "an error of at most \($0)" }
                        ?? "a finite error"
                    return "`\(failure.name)`: expected \(expected), found \(failure.error)"
                }.joined(separator: "; ")
                + (verification.failures.count > 3
                    ? "; and \(verification.failures.count - 3) more" : "")
        case .memory(let byteCount):
            "expected \(byteCount) bytes of memory for OpenBLAS, the system refused them"
        case .library(let problem): problem
        }
    }
}

extension TrainingNetwork {
    /// Folds every block, reporting each.
    func folded(reporting progress: ConversionProgress.Observer?) throws(ConversionError) -> Network
    {
        do {
            return try folded { index, block in
                progress?(.folding(index: index, count: blocks.count, name: block.name))
            }
        } catch .library(let problem) {
            throw .library(problem)
        } catch { throw .fold(error) }
    }
}
