import OrepaFiles
import OrepaSafetensors

/// A model file that cannot be read or written.
public enum ModelFileError: Error, Hashable, Sendable {
    case file(FileError)
    case safetensors(SafetensorsError)
    /// A file of another format, by its first bytes.
    case otherFormat(path: String, ForeignFormat)
    /// A safetensors file without `orepa.model` in its metadata.
    case notAModel(path: String)
    case newerVersion(path: String, known: Int, found: Int)
    case malformed(path: String, field: String, expected: String, found: String)
    case network(path: String, NetworkError)
    /// The network does not compute what it did when the file was written: `index` is the first of the probe's
    /// logits whose bits differ.
    case probe(path: String, numerics: Numerics, index: Int, expected: Float, found: Float)
}

extension ModelFileError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .file(let error): error.description
        case .safetensors(let error): error.description
        case .otherFormat(let path, let format):
            "\(path): expected a deployed model (.safetensors), found \(format.name)"
                + (format.isCheckpoint
                    ? "; a training checkpoint is made into a model by `orepa-infer convert`" : "")
        case .notAModel(let path):
            "\(path): expected a deployed model, found a safetensors file without `orepa.model` in its "
                + "metadata; a training checkpoint is made into one by `orepa-infer convert`"
        case .newerVersion(let path, let known, let found):
            "\(path): the model has version \(found), this program reads up to version \(known); "
                + "use a newer orepa"
        case .malformed(let path, let field, let expected, let found):
            "\(path): `\(field)` in the model's description: expected \(expected), found \(found)"
        case .network(let path, let error): "\(path): \(error)"
        case .probe(let path, let numerics, let index, let expected, let found):
            "\(path): the probe picture's logit \(index) (\(numerics.rawValue)): expected \(expected), found "
                + "\(found); the file was changed or damaged after it was verified, or was written by another "
                + "version of orepa, or this machine does not compute as it should"
        }
    }
}
