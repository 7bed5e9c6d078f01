import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import OrepaSystem

/// Pictures and the logits that the code which trained the network computes for them: the one proof that does not share
/// what is assumed about the network with the fold.
public struct Reference: Sendable {
    /// Where it was read from, for messages.
    public let path: String
    /// `[N, channels, height, width]`, row-major, all finite.
    let input: [Float]
    let inputShape: [Int]
    /// `[N, classes]`, row-major, all finite.
    let logits: [Float]
    let logitsShape: [Int]

    public var pictureCount: Int { inputShape[0] }
    public var height: Int { inputShape[2] }
    public var width: Int { inputShape[3] }

    /// Reads the tensors `input` `[N, C, H, W]` and `logits` `[N, classes]`, Float32, of the safetensors file at `path`.
    ///
    /// - Throws: ``ReferenceError``.
    public init(path: String) throws(ReferenceError) { try self.init(path: RawPath(path)) }

    /// The same for a path that need not be UTF-8.
    public init(path: RawPath) throws(ReferenceError) {
        let bytes: FileBytes
        let file: SafetensorsFile
        do throws(FileError) { bytes = try FileBytes(mapping: path) } catch { throw .file(error) }
        if let format = ForeignFormat(of: bytes) { throw .otherFormat(path: bytes.path, format) }
        do throws(SafetensorsError) { file = try SafetensorsFile(bytes) } catch {
            throw .safetensors(error)
        }
        self.path = bytes.path
        (inputShape, input) = try Reference.tensor("input", "[N, C, H, W]", rank: 4, of: file)
        (logitsShape, logits) = try Reference.tensor("logits", "[N, classes]", rank: 2, of: file)
        guard logitsShape[0] == inputShape[0] else {
            throw .shape(
                path: bytes.path, tensor: "logits",
                expected: "[\(inputShape[0]), classes], as `input`",
                found: logitsShape)
        }
    }

    private static func tensor(
        _ name: String, _ expected: String, rank: Int, of file: SafetensorsFile
    ) throws(ReferenceError) -> ([Int], [Float]) {
        let path = file.file.path
        guard let entry = file[name] else {
            throw .missing(
                path: path, tensor: name, expected: expected,
                found: file.entries.prefix(8).map(\.name))
        }
        guard entry.elementType == .float32 else {
            throw .elementType(path: path, tensor: name, found: entry.elementType)
        }
        guard entry.shape.count == rank, entry.shape.allSatisfy({ $0 > 0 }) else {
            throw .shape(path: path, tensor: name, expected: expected, found: entry.shape)
        }
        let values = file.elements(of: entry, as: Float.self)
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(path: path, tensor: name, index: index, found: values[index])
        }
        return (entry.shape, values)
    }

    /// - Throws: ``ReferenceError/shape(path:tensor:expected:found:)`` where the network takes pictures of other channels
    ///   or gives another number of logits.
    func check(against graph: Graph) throws(ConversionError) {
        do { try checkShapes(graph) } catch { throw .reference(error) }
    }

    private func checkShapes(_ graph: Graph) throws(ReferenceError) {
        guard inputShape[1] == graph.inputChannels else {
            throw .shape(
                path: path, tensor: "input", expected: "[N, \(graph.inputChannels), H, W]",
                found: inputShape)
        }
        guard logitsShape[1] == graph.classCount else {
            throw .shape(
                path: path, tensor: "logits", expected: "[\(pictureCount), \(graph.classCount)]",
                found: logitsShape)
        }
    }
}

/// How a network's logits compare with a reference's.
public struct ReferenceComparison: Sendable, Hashable {
    public let path: String
    public let pictureCount: Int
    public let height: Int
    public let width: Int
    /// The largest absolute difference of the logits, divided by the largest absolute value of the reference's.
    public let error: Double
    /// The largest error that passes.
    public let tolerance: Double

    public var passed: Bool { error <= tolerance }
}

/// A file of reference logits that cannot be used.
public enum ReferenceError: Error, Hashable, Sendable {
    case file(FileError)
    case safetensors(SafetensorsError)
    /// A file of another format, by its first bytes.
    case otherFormat(path: String, ForeignFormat)
    case missing(path: String, tensor: String, expected: String, found: [String])
    case elementType(path: String, tensor: String, found: ElementType)
    case shape(path: String, tensor: String, expected: String, found: [Int])
    /// `index` counts the tensor's elements.
    case notFinite(path: String, tensor: String, index: Int, found: Float)
}

extension ReferenceError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .file(let error): error.description
        case .safetensors(let error): error.description
        case .otherFormat(let path, let format):
            "\(path): expected a safetensors file with `input` and `logits`, as tools/make_reference.py writes it, "
                + "found \(format.name)"
        case .missing(let path, let tensor, let expected, let found):
            "\(path): expected a tensor `\(tensor)` \(expected), Float32, found "
                + (found.isEmpty
                    ? "no tensor" : found.map { "`\($0)`" }.joined(separator: ", "))
        case .elementType(let path, let tensor, let found):
            "\(path): tensor `\(tensor)`: expected F32, found \(found.rawValue)"
        case .shape(let path, let tensor, let expected, let found):
            "\(path): tensor `\(tensor)`: expected \(expected), found \(found)"
        case .notFinite(let path, let tensor, let index, let found):
            "\(path): tensor `\(tensor)`: expected finite numbers, found \(found) at element \(index)"
        }
    }
}
