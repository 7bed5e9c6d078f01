import OrepaFiles
import OrepaSafetensors

/// A file that is no checkpoint, or one that cannot be read.
public enum CheckpointError: Error, Hashable, Sendable {
    case file(FileError)
    case safetensors(SafetensorsError)
    /// The file is of another kind, which `found` names.
    case unsupportedFormat(path: String, found: String)
    /// A file of torch's zip format with a broken archive.
    case archive(path: String, ZipError)
    /// A pickle within the file is broken or refused.
    case pickle(path: String, PickleError)
    /// A file of torch's legacy format with broken records around its pickles.
    case legacy(path: String, LegacyError)
    /// The archive lacks a record that every checkpoint has.
    case missingRecord(path: String, record: String)
    /// A small record of the archive does not read as what it should be.
    case badRecord(path: String, record: String, expected: String, found: String)
    /// A record's bytes have another CRC-32 than the archive says.
    case checksumMismatch(path: String, record: String, expected: UInt32, found: UInt32)
    /// There are no tensors where a checkpoint has them.
    case noTensors(path: String, found: String)
    /// There is no dict of tensors under `wanted`, or where one is looked for if nobody said where it is; `found` are
    /// the dotted paths of some that there are.
    case noStateDictionary(path: String, wanted: String?, found: [String])
    /// A value of the state dict is no tensor.
    case notATensor(path: String, name: String, found: String)
    /// Two tensors of the state dict have the same name.
    case duplicateName(path: String, name: String)
    /// Two tensors have the same name without their leading `module.`.
    case nameCollision(path: String, name: String)
    /// A tensor has no plain elements, or elements of a type that is not supported.
    case unsupportedTensor(path: String, name: String, found: String)
    /// The file has no storage with the key that a tensor refers to.
    case missingStorage(path: String, name: String, storage: String)
    /// A storage has another number of bytes than a tensor expects of it.
    case storageSizeMismatch(
        path: String, name: String, storage: String, expected: Int, found: Int)
    /// A tensor has more extents than strides, or fewer.
    case rankMismatch(path: String, name: String, shape: [Int], strides: [Int])
    /// A tensor has more dimensions than the limit.
    case tooManyDimensions(path: String, name: String, limit: Int, found: Int)
    /// A tensor's name, of which `name` is the beginning, has more bytes than the limit.
    case nameTooLong(path: String, name: String, limit: Int, found: Int)
    /// A tensor's extents, strides or offset are negative.
    case negativeLayout(path: String, name: String, shape: [Int], strides: [Int], offset: Int)
    /// A tensor's size does not fit into an integer.
    case sizeOverflow(path: String, name: String, shape: [Int])
    /// A tensor needs a storage of `expected` elements, which has `found`.
    case beyondStorage(path: String, name: String, expected: Int, found: Int)
    /// The tensors up to this one have more elements than a file of this size may have.
    case tooManyElements(path: String, name: String, limit: Int, found: Int)
}

extension CheckpointError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .file(let error): error.description
        case .safetensors(let error): error.description
        case .unsupportedFormat(let path, let found):
            "\(path): expected a checkpoint of torch.save or a safetensors file, found \(found)"
                + (["an HDF5 file", "a NumPy file", "an unknown format"].contains(found)
                    ? "; tools/checkpoint_to_safetensors.py converts other formats" : "")
        case .archive(let path, let error): "\(path): \(error)"
        case .pickle(let path, let error): "\(path): \(error)"
        case .legacy(let path, let error): "\(path): \(error)"
        case .missingRecord(let path, let record):
            "\(path): expected a record \(record.quoted), found none"
        case .badRecord(let path, let record, let expected, let found):
            "\(path): record \(record.quoted): expected \(expected), found \(found)"
        case .checksumMismatch(let path, let record, let expected, let found):
            "\(path): record \(record.quoted): expected the checksum \(Self.hexadecimal(expected)), "
                + "found \(Self.hexadecimal(found)): the file is damaged"
        case .noTensors(let path, let found):
            "\(path): expected tensors under state_dict, model_state_dict, model or at the top, "
                + "found \(found)"
        case .noStateDictionary(let path, let wanted, let found):
            "\(path): expected a dict of tensors under "
                + (wanted.map { "`\($0)`" } ?? "state_dict, model_state_dict, model or at the top")
                + ", found "
                + (found.isEmpty
                    ? "none (a safetensors file is one dict itself)"
                    : "some under " + found.map(\.quoted).joined(separator: ", "))
                + (wanted == nil ? "; --state-dict KEY takes one" : "")
        case .notATensor(let path, let name, let found):
            "\(path): \(name.quoted): expected a tensor, found \(found)"
        case .duplicateName(let path, let name):
            "\(path): \(name.quoted) occurs twice in the state dict"
        case .nameCollision(let path, let name):
            "\(path): \(name.quoted) and `module.\(name)` are both in the state dict"
        case .unsupportedTensor(let path, let name, let found):
            "\(path): \(name.quoted): expected a dense tensor of floats or integers, found \(found)"
        case .missingStorage(let path, let name, let storage):
            "\(path): \(name.quoted): expected a storage \(storage.quoted), found none"
        case .storageSizeMismatch(let path, let name, let storage, let expected, let found):
            "\(path): \(name.quoted): expected \(expected) bytes in storage \(storage.quoted), found \(found)"
        case .rankMismatch(let path, let name, let shape, let strides):
            "\(path): \(name.quoted): expected as many strides as extents, found \(strides) "
                + "for \(shape)"
        case .tooManyDimensions(let path, let name, let limit, let found):
            "\(path): \(name.quoted): expected at most \(limit) dimensions, found \(found)"
        case .nameTooLong(let path, let name, let limit, let found):
            "\(path): \(name.quoted): expected a name of at most \(limit) bytes, found \(found)"
        case .negativeLayout(let path, let name, let shape, let strides, let offset):
            "\(path): \(name.quoted): expected nothing negative, found the shape \(shape), "
                + "strides \(strides), offset \(offset)"
        case .sizeOverflow(let path, let name, let shape):
            "\(path): \(name.quoted): the size of shape \(shape) overflows"
        case .beyondStorage(let path, let name, let expected, let found):
            "\(path): \(name.quoted): needs a storage of \(expected) elements, found \(found)"
        case .tooManyElements(let path, let name, let limit, let found):
            "\(path): \(name.quoted): expected at most \(limit) elements in a file of this size, "
                + "found \(found)"
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
