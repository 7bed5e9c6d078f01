import OrepaFiles
import OrepaJSON
import OrepaSystem

/// The layout of a safetensors file, and how it gets written.
///
/// The header is padded with spaces so that the data starts at a multiple of 64 bytes. The tensors whose size is a
/// multiple of 64 come first, then the others, both in the order given: so as many as possible start aligned
/// without holes, which the format forbids.
public struct SafetensorsWriter {
    /// What the start of the data is a multiple of, in bytes.
    public static let alignment = 64

    /// A tensor to be written.
    public struct Tensor {
        public let name: String
        public let elementType: ElementType
        public let shape: [Int]
        /// Hands the tensor's bytes to the sink, row-major and little-endian: as many as the shape needs.
        public let write: (inout AtomicFile.Sink) throws(FileError) -> Void

        public init(
            name: String, elementType: ElementType, shape: [Int],
            write: @escaping (inout AtomicFile.Sink) throws(FileError) -> Void
        ) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.write = write
        }
    }

    /// The bytes before the data.
    public let header: [UInt8]
    /// The tensors in the order in which they are written.
    public let tensors: [Tensor]
    /// The size of each of `tensors` in bytes.
    public let byteCounts: [Int]

    /// Lays the tensors out. Throws when a name occurs twice or is reserved, or a size overflows.
    public init(
        _ tensors: [Tensor], metadata: [ByteName: String] = [:]
    ) throws(SafetensorsError) {
        let path = "a new safetensors file"
        var names: Set<ByteName> = []
        var sized: [(tensor: Tensor, byteCount: Int)] = []
        var total = CheckedSize(0)
        for tensor in tensors {
            guard ByteName(tensor.name) != "__metadata__" else {
                throw .reservedName(tensor: tensor.name)
            }
            guard names.insert(ByteName(tensor.name)).inserted else {
                throw .duplicateKey(path: path, key: tensor.name)
            }
            guard
                let byteCount = SafetensorsFile.byteCount(
                    shape: tensor.shape, elementType: tensor.elementType),
                (total + byteCount).value != nil
            else { throw .shapeOverflow(path: path, tensor: tensor.name, shape: tensor.shape) }
            total = total + byteCount
            sized.append((tensor, byteCount))
        }
        let aligned = sized.filter { $0.byteCount % Self.alignment == 0 }
        let others = sized.filter { $0.byteCount % Self.alignment != 0 }
        let ordered = aligned + others

        var members: [(String, JSONValue)] = []
        if !metadata.isEmpty {
            members.append(
                ("__metadata__", .sorted(metadata.map { ($0.key.text, .string($0.value)) })))
        }
        var offset = 0
        for (tensor, byteCount) in ordered {
            members.append(
                (
                    tensor.name,
                    .object([
                        ("dtype", .string(tensor.elementType.rawValue)),
                        ("shape", .array(tensor.shape.map(JSONValue.integer))),
                        (
                            "data_offsets",
                            .array([.integer(offset), .integer(offset + byteCount)])
                        ),
                    ])
                ))
            offset += byteCount
        }
        var header = Array(JSONValue.object(members).text(.compact).utf8)
        while (8 + header.count) % Self.alignment != 0 { header.append(UInt8(ascii: " ")) }
        guard header.count <= SafetensorsFile.maximumHeaderLength else {
            throw .headerTooLong(
                path: path, limit: SafetensorsFile.maximumHeaderLength, found: UInt64(header.count))
        }
        let length = UInt64(header.count)
        self.header = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header
        self.tensors = ordered.map(\.tensor)
        self.byteCounts = ordered.map(\.byteCount)
    }

    /// Size of the whole file in bytes.
    public var byteCount: Int { header.count + byteCounts.reduce(0, +) }

    /// Writes the file as `AtomicFile.write` does. The memory it takes is what the tensors' closures take.
    public func write(to path: String, overwrite: Bool) throws(FileError) {
        try write(to: RawPath(path), overwrite: overwrite)
    }

    /// The same for a path that need not be UTF-8.
    public func write(to path: RawPath, overwrite: Bool) throws(FileError) {
        try AtomicFile.write(to: path, overwrite: overwrite) { (sink) throws(FileError) in
            try sink.write(elements: header)
            for (tensor, byteCount) in zip(tensors, byteCounts) {
                let start = sink.count
                try tensor.write(&sink)
                guard sink.count - start == byteCount else {
                    throw .notWritable(
                        path: path.description,
                        reason: "tensor `\(tensor.name)`: expected \(byteCount) bytes, "
                            + "found \(sink.count - start)")
                }
            }
        }
    }
}
