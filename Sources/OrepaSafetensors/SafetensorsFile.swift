import OrepaFiles
import OrepaSystem

/// A parsed safetensors file: the names, types, shapes and places of its tensors.
///
/// Parsing reads the header only and takes time proportional to it. What it accepts is what the reference
/// implementation accepts, without the repeated keys and unknown fields that a lenient JSON parser lets pass.
public struct SafetensorsFile: Sendable {
    /// The format's limit for the length of the header, in bytes.
    public static let maximumHeaderLength = 100_000_000
    /// The most tensors, and keys of metadata, that a file may have: files of a hundred thousand exist. So a header of
    /// whatever length is read within some seconds, and takes some hundred megabytes.
    public static let largestNameCount = 1 << 18
    /// The most dimensions that a tensor may have.
    public static let largestRank = 64

    /// What a byte of the header may take at most while it is read, and what is made of it: a JSON text of short arrays
    /// makes values of 40 bytes out of three, in arrays that double their size while they grow.
    private static let memoryPerHeaderByte = 64

    public let file: FileBytes
    /// The strings under `__metadata__`; empty when the file has none.
    public let metadata: [ByteName: String]
    /// The tensors in the order of their bytes.
    public let entries: [Entry]
    private let indices: [ByteName: Int]

    /// A tensor of the file.
    public struct Entry: Sendable, Hashable {
        /// Unique in its file.
        public let name: String
        /// Type of the elements.
        public let elementType: ElementType
        /// Sizes of the dimensions; empty for a scalar.
        public let shape: [Int]
        /// Where its bytes are, counted from the start of the file: row-major, little-endian.
        public let range: Range<Int>

        /// Number of elements; 1 for a scalar, whose shape is empty.
        public var elementCount: Int { range.count / elementType.byteCount }
    }

    /// The tensor called `name`, or nil.
    public subscript(name: String) -> Entry? { indices[ByteName(name)].map { entries[$0] } }

    /// Parses the header of `file` and checks that its tensors cover the data exactly.
    public init(_ file: FileBytes) throws(SafetensorsError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let path = file.path
        var reader = ByteReader(file)
        guard let length = reader.littleEndian(UInt64.self) else {
            throw .tooShort(path: path, expected: 8, found: file.count)
        }
        guard length <= UInt64(Self.maximumHeaderLength) else {
            throw .headerTooLong(path: path, limit: Self.maximumHeaderLength, found: length)
        }
        guard let header = reader.take(Int(length)) else {
            throw .headerBeyondEnd(path: path, expected: Int(length), found: reader.remaining)
        }
        do throws(MemoryRefusal) {
            try SystemMemory.check(count: header.count, size: Self.memoryPerHeaderByte)
        } catch { throw .outOfMemory(path: path, byteCount: error.byteCount) }
        var parser = SafetensorsHeader(file, in: header)
        try parser.parse()

        var next = 0
        var entries: [Entry] = []
        var indices: [ByteName: Int] = [:]
        // Memory: checked for the whole header.
        entries.reserveCapacity(parser.tensors.count)
        // Memory: checked for the whole header.
        indices.reserveCapacity(parser.tensors.count)
        // Of numbers alone: to move names about takes several times as long.
        let order = parser.tensors.enumerated()
            .map { (begin: $1.begin, end: $1.end, index: $0) }
            .sorted { ($0.begin, $0.end, $0.index) < ($1.begin, $1.end, $1.index) }
        let dataSize = file.count - header.upperBound
        for (_, _, index) in order {
            let tensor = parser.tensors[index]
            guard
                let needed = SafetensorsFile.byteCount(
                    shape: tensor.shape, elementType: tensor.elementType)
            else { throw .shapeOverflow(path: path, tensor: tensor.name, shape: tensor.shape) }
            guard tensor.begin <= tensor.end else {
                throw .reversedOffsets(
                    path: path, tensor: tensor.name, begin: tensor.begin, end: tensor.end)
            }
            guard tensor.end - tensor.begin == needed else {
                throw .sizeMismatch(
                    path: path, tensor: tensor.name, expected: needed,
                    found: tensor.end - tensor.begin)
            }
            guard tensor.begin == next else {
                throw .notContiguous(
                    path: path, tensor: tensor.name, expected: next, found: tensor.begin)
            }
            guard tensor.end <= dataSize else {
                throw .dataSizeMismatch(path: path, expected: tensor.end, found: dataSize)
            }
            next = tensor.end
            indices[ByteName(tensor.name)] = entries.count
            entries.append(
                Entry(
                    name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
                    range: header.upperBound + tensor.begin..<header.upperBound + tensor.end))
        }
        guard next == dataSize else {
            throw .dataSizeMismatch(path: path, expected: next, found: dataSize)
        }
        self.file = file
        self.metadata = parser.metadata
        self.entries = entries
        self.indices = indices
    }

    /// The size of a tensor in bytes, or nil when an extent is negative or the size overflows.
    package static func byteCount(shape: [Int], elementType: ElementType) -> Int? {
        (CheckedSize(elementType.byteCount) * CheckedSize.product(of: shape)).value
    }
}
