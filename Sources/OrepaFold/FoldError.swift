import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// Why a recognised block or network cannot be folded.
public enum FoldError: Error, Hashable, Sendable {
    /// A tensor cannot be read from the checkpoint.
    case checkpoint(CheckpointError)
    /// A tensor holds NaN or infinity. `index` has one number per dimension.
    case notFinite(path: String, key: String, index: [Int], found: String)
    /// A batch norm's variance is too small to divide by: it and `epsilon` are not positive together.
    case variance(path: String, key: String, index: [Int], epsilon: Double, found: Double)
    /// A folded value is beyond Float32.
    case overflow(path: String, tensor: String, index: [Int], found: String)
    /// The folded tensors do not make a network.
    case network(path: String, NetworkError)
    /// A library that folding needs is not on this machine; the sentence says which and why.
    case library(String)
}

extension FoldError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .checkpoint(let error): error.description
        case .notFinite(let path, let key, let index, let found):
            "\(path): \(key.quoted): expected finite numbers, found \(found) at \(index)"
        case .variance(let path, let key, let index, let epsilon, let found):
            "\(path): \(key.quoted): expected variances greater than \(-epsilon), found \(found) at \(index)"
        case .overflow(let path, let tensor, let index, let found):
            "\(path): folded \(tensor.quoted): expected numbers that Float32 can hold, "
                + "found \(found) at \(index)"
        case .network(let path, let error): "\(path): \(error)"
        case .library(let problem): problem
        }
    }
}
