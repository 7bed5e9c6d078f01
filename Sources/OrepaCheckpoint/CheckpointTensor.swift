import OrepaFiles
import OrepaSafetensors

/// A tensor of a checkpoint: its shape, and where its elements are in the file.
///
/// The elements stay in the file until they are asked for.
public struct CheckpointTensor: Sendable {
    public let name: String
    public let elementType: ElementType
    public let shape: [Int]
    /// For each dimension, how many elements of the storage lie between neighbours. Not negative; 0 repeats.
    public let strides: [Int]
    /// The first element, counted in elements from the start of the storage.
    public let offset: Int
    /// Where the elements are; other tensors may share it.
    let storage: CheckpointStorage

    /// Number of elements; 1 for a scalar, whose shape is empty.
    public let elementCount: Int

    /// A tensor of more dimensions is refused, as PyTorch does.
    public static let largestRank = SafetensorsFile.largestRank

    /// Size of the elements in bytes when they lie side by side.
    public var byteCount: Int { elementCount * elementType.byteCount }

    /// Whether the elements lie side by side in row-major order.
    public var isContiguous: Bool {
        guard elementCount > 0 else { return true }
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            guard stride == expected else { return false }
            expected *= extent
        }
        return true
    }

    /// Places a tensor on a storage. Throws unless every element lies within the storage.
    init(
        name: String, elementType: ElementType, shape: [Int], strides: [Int], offset: Int,
        storage: CheckpointStorage
    ) throws(CheckpointError) {
        let path = storage.file.path
        guard shape.count <= Self.largestRank else {
            throw .tooManyDimensions(
                path: path, name: name, limit: Self.largestRank, found: shape.count)
        }
        guard shape.count == strides.count else {
            throw .rankMismatch(path: path, name: name, shape: shape, strides: strides)
        }
        guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
            throw .negativeLayout(
                path: path, name: name, shape: shape, strides: strides, offset: offset)
        }
        guard
            let byteCount = SafetensorsFile.byteCount(shape: shape, elementType: elementType)
        else { throw .sizeOverflow(path: path, name: name, shape: shape) }
        let elementCount = byteCount / elementType.byteCount

        // One more than the position of the last element, in elements.
        var end = CheckedSize(offset)
        if elementCount > 0 {
            for (extent, stride) in zip(shape, strides) {
                end = end + CheckedSize(extent - 1) * stride
            }
            end = end + 1
        }
        guard let needed = end.value else {
            throw .sizeOverflow(path: path, name: name, shape: shape)
        }
        let available = storage.range.count / elementType.byteCount
        guard needed <= available else {
            throw .beyondStorage(path: path, name: name, expected: needed, found: available)
        }
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.storage = storage
        self.elementCount = elementCount
    }

    /// Where the elements are within the file, from the first to the last with all that lies between.
    var span: Range<Int> {
        let start = storage.range.lowerBound + offset * elementType.byteCount
        guard elementCount > 0 else { return start..<start }
        let last = zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        return start..<start + (last + 1) * elementType.byteCount
    }

    /// Tells the system that the memory pages of the elements are not needed soon.
    public func releasePages() { storage.file.releasePages(in: span) }
}
