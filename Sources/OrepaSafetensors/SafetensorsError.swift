import OrepaFiles

/// Bytes that are no valid safetensors file, or tensors that no such file can hold.
public enum SafetensorsError: Error, Hashable, Sendable {
    /// The file ends before the eight bytes that hold the header's length.
    case tooShort(path: String, expected: Int, found: Int)
    /// The header's length exceeds the format's limit.
    case headerTooLong(path: String, limit: Int, found: UInt64)
    /// The header's length exceeds what the file holds.
    case headerBeyondEnd(path: String, expected: Int, found: Int)
    /// The header breaks the grammar at `offset`, counted from the start of the file.
    case malformedHeader(path: String, offset: Int, expected: String, found: String)
    /// The same key occurs twice: a tensor's name, a metadata key, or a field of a tensor.
    case duplicateKey(path: String, key: String)
    /// A tensor's description has a key that the format does not know.
    case unknownField(path: String, tensor: String, field: String)
    /// A tensor's description lacks one of its three keys.
    case missingField(path: String, tensor: String, field: String)
    /// The tensor's elements are of a type that is not supported.
    case unknownElementType(path: String, tensor: String, found: String)
    /// The number of elements, or of bytes, does not fit into an integer.
    case shapeOverflow(path: String, tensor: String, shape: [Int])
    /// The header describes more tensors, or its metadata has more keys, than the limit.
    case tooManyNames(path: String, limit: Int)
    /// The tensor has more extents than the limit.
    case tooManyDimensions(path: String, tensor: String, limit: Int, found: Int)
    /// The tensor's first offset is greater than its second.
    case reversedOffsets(path: String, tensor: String, begin: Int, end: Int)
    /// The offsets span another number of bytes than the shape needs.
    case sizeMismatch(path: String, tensor: String, expected: Int, found: Int)
    /// The tensor does not begin where the one before it ends: a hole, or an overlap.
    case notContiguous(path: String, tensor: String, expected: Int, found: Int)
    /// The tensors need another number of data bytes than the file holds.
    case dataSizeMismatch(path: String, expected: Int, found: Int)
    /// The system refused the memory that reading the header may take.
    case outOfMemory(path: String, byteCount: Int)
    /// A tensor to be written has a name that the format keeps for itself.
    case reservedName(tensor: String)
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .tooShort(let path, let expected, let found):
            "\(path): expected a safetensors file of at least \(expected) bytes, found \(found)"
        case .headerTooLong(let path, let limit, let found):
            "\(path): expected a safetensors header of at most \(limit) bytes, found \(found)"
        case .headerBeyondEnd(let path, let expected, let found):
            "\(path): the safetensors header needs \(expected) bytes, the file has \(found) left"
        case .malformedHeader(let path, let offset, let expected, let found):
            "\(path): safetensors header, byte \(offset): expected \(expected), found \(found)"
        case .duplicateKey(let path, let key):
            "\(path): the safetensors header has \(key.quoted) twice"
        case .unknownField(let path, let tensor, let field):
            "\(path): tensor \(tensor.quoted): expected dtype, shape and data_offsets, found \(field.quoted)"
        case .missingField(let path, let tensor, let field):
            "\(path): tensor \(tensor.quoted): expected \(field.quoted), found none"
        case .unknownElementType(let path, let tensor, let found):
            "\(path): tensor \(tensor.quoted): unsupported element type \(found.quoted)"
        case .shapeOverflow(let path, let tensor, let shape):
            "\(path): tensor \(tensor.quoted): the size of shape \(shape) overflows"
        case .tooManyNames(let path, let limit):
            "\(path): expected at most \(limit) tensors and as many keys of metadata, found more"
        case .tooManyDimensions(let path, let tensor, let limit, let found):
            "\(path): tensor \(tensor.quoted): expected at most \(limit) dimensions, found \(found)"
        case .reversedOffsets(let path, let tensor, let begin, let end):
            "\(path): tensor \(tensor.quoted): begins at \(begin), after its end at \(end)"
        case .sizeMismatch(let path, let tensor, let expected, let found):
            "\(path): tensor \(tensor.quoted): expected \(expected) bytes, found \(found)"
        case .notContiguous(let path, let tensor, let expected, let found):
            "\(path): tensor \(tensor.quoted): expected to begin at \(expected), found \(found)"
        case .dataSizeMismatch(let path, let expected, let found):
            "\(path): the tensors need \(expected) bytes of data, the file has \(found)"
        case .outOfMemory(let path, let byteCount):
            "\(path): expected \(byteCount) bytes of memory for the safetensors header, the system refused them"
        case .reservedName(let tensor):
            "a safetensors file cannot hold a tensor named \(tensor.quoted)"
        }
    }
}
