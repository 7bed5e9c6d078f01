import OrepaFiles
import OrepaSafetensors

/// Float32 values with a shape, row-major, immutable: held in memory or borrowed from a file.
public struct Tensor: Sendable {
    /// Sizes of the dimensions, outermost first.
    public let shape: [Int]
    private let storage: Storage

    private enum Storage: Sendable {
        case array([Float])
        case file(FileBytes, Range<Int>)
    }

    /// Number of values: the product of the shape.
    public let count: Int

    /// - Precondition: `values.count` is the product of `shape`.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "a tensor's values must fill its shape")
        self.shape = shape
        count = values.count
        storage = .array(values)
    }

    /// Borrows the tensor that `entry` describes from its file, or returns nil when that is not possible
    /// without a copy: another element type, or an offset that is no multiple of 4.
    public init?(borrowing entry: SafetensorsFile.Entry, of file: SafetensorsFile) {
        guard entry.elementType == .float32 else { return nil }
        if let base = file.file.bytes.baseAddress {
            guard (UInt(bitPattern: base) + UInt(entry.range.lowerBound)) % 4 == 0 else {
                return nil
            }
        }
        shape = entry.shape
        count = entry.range.count / 4
        storage = .file(file.file, entry.range)
    }

    /// Copies the tensor that `entry` describes, wherever it lies.
    ///
    /// - Precondition: its element type is Float32.
    public init(copying entry: SafetensorsFile.Entry, of file: SafetensorsFile) {
        precondition(entry.elementType == .float32)
        let values = file.elements(of: entry, as: Float.self)
        self.init(shape: entry.shape, values: values)
    }

    /// Calls `body` with the values, row-major.
    public func withUnsafeBufferPointer<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        case .array(let values):
            return try values.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(buffer)
            }
        case .file(let file, let range):
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
            defer { withExtendedLifetime(file) {} }
            return try body(bytes.bindMemory(to: Float.self))
        }
    }

    /// Where the values are, if they stay there for as long as the tensor or a copy of it lives: in a file.
    package var stableAddress: UnsafePointer<Float>? {
        guard case .file(let file, let range) = storage, !range.isEmpty else { return nil }
        return UnsafeRawPointer(file.bytes.baseAddress! + range.lowerBound)
            .assumingMemoryBound(to: Float.self)
    }

    /// Tells the system that these values, all without a range, are not needed soon, which lowers resident memory if
    /// they are borrowed from a mapped file; they are read again when touched.
    package func releasePages(of elements: Range<Int>? = nil) {
        guard case .file(let file, let range) = storage else { return }
        let elements = elements ?? 0..<count
        let start = range.lowerBound
        file.releasePages(in: start + elements.lowerBound * 4..<start + elements.upperBound * 4)
    }

    /// A copy of the values, row-major.
    public var values: [Float] { withUnsafeBufferPointer { Array($0) } }
}
