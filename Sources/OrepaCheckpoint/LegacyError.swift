import OrepaFiles

/// A file of torch's legacy format whose records are broken.
public enum LegacyError: Error, Hashable, Sendable {
    /// The file begins with a pickle, but not with the one of torch's magic number.
    case wrongMagicNumber(found: String)
    /// The second pickle holds another format version than 1001.
    case unsupportedVersion(expected: Int, found: String)
    /// The third pickle does not describe the machine that wrote the file.
    case badSystemInformation(found: String)
    /// The list of storages holds what is no key.
    case badStorageKey(found: String)
    /// The list of storages names one that no tensor refers to.
    case unknownStorage(key: String)
    /// The list of storages names one twice.
    case duplicateStorage(key: String)
    /// Tensors disagree about the size or the type of a storage.
    case contradictingStorage(key: String)
    /// A storage has another number of elements than the tensors say.
    case storageSizeMismatch(key: String, expected: Int, found: Int)
    /// The file ends before a storage does.
    case truncatedStorage(key: String, expected: Int, found: Int)
    /// Bytes follow the last storage.
    case trailingBytes(count: Int)
}

extension LegacyError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .wrongMagicNumber(let found):
            "expected torch's magic number, found \(found): a pickle, but no checkpoint"
        case .unsupportedVersion(let expected, let found):
            "expected version \(expected) of the legacy format, found \(found)"
        case .badSystemInformation(let found):
            "expected a description of the machine with `little_endian`, found \(found)"
        case .badStorageKey(let found):
            "expected a list of the storages' keys, found \(found)"
        case .unknownStorage(let key):
            "storage \(key.quoted) belongs to no tensor, so its type is unknown"
        case .duplicateStorage(let key):
            "storage \(key.quoted) occurs twice"
        case .contradictingStorage(let key):
            "storage \(key.quoted) is described in two ways"
        case .storageSizeMismatch(let key, let expected, let found):
            "storage \(key.quoted): expected \(expected) elements, found \(found)"
        case .truncatedStorage(let key, let expected, let found):
            "storage \(key.quoted): expected \(expected) bytes, the file has \(found) left"
        case .trailingBytes(let count):
            "expected the end of the file behind the last storage, found \(count) more bytes"
        }
    }
}
