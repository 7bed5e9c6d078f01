import OrepaFiles

/// A pickle that is broken, exceeds a limit, or asks for what is never done.
///
/// Offsets count from the start of the file.
public enum PickleError: Error, Hashable, Sendable {
    /// The pickle is larger than the limit.
    case tooLarge(limit: Int, found: Int)
    /// The bytes end within the instruction at `offset`.
    case truncated(offset: Int)
    /// The pickle follows a protocol later than 5.
    case unsupportedProtocol(found: Int)
    /// The instruction is unknown, or one that no checkpoint needs.
    case unsupportedOpcode(UInt8, offset: Int)
    /// The pickle names a global that is not on the list of those that tensors need.
    case refusedGlobal(String)
    /// The instruction takes more from the stack than is there.
    case stackUnderflow(offset: Int)
    /// The instruction needs a mark and there is none.
    case noMark(offset: Int)
    /// Marks nest deeper than the limit.
    case tooDeep(limit: Int, offset: Int)
    /// The pickle holds more values than the limit.
    case tooManyValues(limit: Int, offset: Int)
    /// The instruction recalls what was never memorised.
    case unknownMemo(index: Int, offset: Int)
    /// An integer takes more bytes than the limit.
    case integerTooLong(limit: Int, found: Int, offset: Int)
    /// A shape has more extents than the limit.
    case tooManyDimensions(limit: Int, found: Int, offset: Int)
    /// A storage's key has more bytes than the limit.
    case nameTooLong(limit: Int, found: Int, offset: Int)
    /// Text is not UTF-8, or a number does not read as one.
    case badText(expected: String, offset: Int)
    /// A value is of another kind than the instruction, or the tensor, needs.
    case unexpectedValue(expected: String, found: String, offset: Int)
    /// Bytes follow the end of the pickle.
    case trailingBytes(count: Int, offset: Int)
}

extension PickleError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .tooLarge(let limit, let found):
            "expected a pickle of at most \(limit) bytes, found \(found)"
        case .truncated(let offset):
            "truncated: the pickle ends within the instruction at byte \(offset)"
        case .unsupportedProtocol(let found):
            "expected pickle protocol 5 or earlier, found \(found)"
        case .unsupportedOpcode(let opcode, let offset):
            "unsupported pickle instruction 0x\(String(opcode, radix: 16)) at byte \(offset)"
        case .refusedGlobal(let name):
            "refusing to load \(name.quoted)"
                + (Self.isClass(name)
                    ? "; if that is the network's class, a whole module was pickled: save "
                        + "model.state_dict() instead" : "")
                + "; tools/checkpoint_to_safetensors.py converts checkpoints with harmless Python objects"
        case .stackUnderflow(let offset):
            "the pickle takes more from its stack than is there, byte \(offset)"
        case .noMark(let offset):
            "the pickle needs a mark on its stack and has none, byte \(offset)"
        case .tooDeep(let limit, let offset):
            "the pickle nests deeper than \(limit) levels, byte \(offset)"
        case .tooManyValues(let limit, let offset):
            "the pickle holds more than \(limit) values, byte \(offset)"
        case .unknownMemo(let index, let offset):
            "the pickle recalls value \(index), which it did not memorise, byte \(offset)"
        case .integerTooLong(let limit, let found, let offset):
            "expected an integer of at most \(limit) bytes, found \(found), byte \(offset)"
        case .tooManyDimensions(let limit, let found, let offset):
            "expected a tensor of at most \(limit) dimensions, found \(found), byte \(offset)"
        case .nameTooLong(let limit, let found, let offset):
            "expected a name of at most \(limit) bytes, found \(found), byte \(offset)"
        case .badText(let expected, let offset):
            "expected \(expected), found other bytes, byte \(offset)"
        case .unexpectedValue(let expected, let found, let offset):
            "the pickle needs \(expected), found \(found), byte \(offset)"
        case .trailingBytes(let count, let offset):
            "expected the pickle to end at byte \(offset), found \(count) more bytes"
        }
    }
}

extension PickleError {
    /// Whether a global is named as Python's classes are, and is not of a library that has no networks.
    private static func isClass(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count > 1, let first = parts.last?.utf8.first,
            UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first
        else { return false }
        return !["argparse", "collections", "numpy", "pathlib", "datetime", "easydict", "yacs"]
            .contains(parts[0])
    }
}
