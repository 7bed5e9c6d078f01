import OrepaFiles
import OrepaSafetensors

/// A seeded random training checkpoint of any family and block type, with batch-norm statistics that
/// keep activations of order 1. Equal arguments give equal tensors, bit for bit.
public struct RandomCheckpoint: Sendable {
    /// What the published code's `-t` option chooses; `mixed` draws a type for each block, and `deployed`
    /// makes blocks that are folded already.
    public enum BlockType: String, Sendable, CaseIterable {
        case base, repVGG, orepaVGG, orepa, dbb, deployed, mixed
    }

    public struct Tensor: Sendable {
        public var name: String
        public var elementType: ElementType
        public var shape: [Int]
        /// Row-major; rounded to `elementType` when the file is made.
        public var values: [Float]

        public init(
            _ name: String, _ shape: [Int], _ values: [Float],
            as elementType: ElementType = .float32
        ) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.values = values
        }
    }

    public let architecture: Architecture
    public let type: BlockType
    /// In file order. Change them at will before making the file.
    public var tensors: [Tensor]

    /// A random small network: widths, depths, groups and class count are drawn too.
    public init(_ family: Architecture.Family, _ type: BlockType, seed: UInt64) {
        var generator = Generator(seed: seed)
        let architecture = Architecture(random: family, using: &generator)
        self.init(architecture, type, using: &generator)
    }

    /// Random weights for a given network.
    public init(_ architecture: Architecture, _ type: BlockType, seed: UInt64) {
        var generator = Generator(seed: seed)
        self.init(architecture, type, using: &generator)
    }

    private init(_ architecture: Architecture, _ type: BlockType, using generator: inout Generator)
    {
        self.architecture = architecture
        self.type = type
        var builder = RandomCheckpointBuilder(type: type, generator: generator)
        for place in architecture.places { builder.addBlock(place) }
        builder.addLinear(architecture.classCount, architecture.featureCount)
        tensors = builder.tensors
        generator = builder.generator
    }

    /// Reads, replaces, adds or (nil) removes a tensor by name.
    public subscript(name: String) -> Tensor? {
        get { tensors.first { $0.name == name } }
        set {
            if let index = tensors.firstIndex(where: { $0.name == name }) {
                if let newValue { tensors[index] = newValue } else { tensors.remove(at: index) }
            } else if let newValue {
                tensors.append(newValue)
            }
        }
    }

    /// Renames a tensor, which keeps its place.
    public mutating func rename(_ name: String, to other: String) {
        if let index = tensors.firstIndex(where: { $0.name == name }) {
            tensors[index].name = other
        }
    }

    /// Stores every floating-point tensor as `elementType`.
    public mutating func convert(to elementType: ElementType) {
        for index in tensors.indices where tensors[index].elementType.isFloatingPoint {
            tensors[index].elementType = elementType
        }
    }

    /// Bytes of all tensors, without names and shapes.
    public var byteCount: Int {
        tensors.reduce(0) { $0 + $1.values.count * $1.elementType.byteCount }
    }

    /// A safetensors file in memory.
    public func file(path: String = "random.safetensors") throws -> FileBytes {
        let writer = try writer()
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
        var bytes = writer.header
        bytes.reserveCapacity(writer.byteCount)
        for tensor in writer.tensors { byName[tensor.name]!.append(to: &bytes) }
        return FileBytes(bytes, path: path)
    }

    /// Writes a safetensors file.
    public func write(to path: String) throws { try writer().write(to: path, overwrite: true) }

    private func writer() throws -> SafetensorsWriter {
        try SafetensorsWriter(
            tensors.map { tensor in
                SafetensorsWriter.Tensor(
                    name: tensor.name, elementType: tensor.elementType, shape: tensor.shape
                ) { (sink) throws(FileError) in
                    var bytes: [UInt8] = []
                    tensor.append(to: &bytes)
                    try sink.write(elements: bytes)
                }
            })
    }

    /// ``SeededRandom`` with draws that checkpoints are made of.
    public struct Generator: RandomNumberGenerator, Sendable {
        private var random: SeededRandom

        public init(seed: UInt64) { random = SeededRandom(seed) }

        public mutating func next() -> UInt64 { random.next() }

        /// Uniform in -1..<1.
        public mutating func unit() -> Float { Float(next() >> 40) * 0x1p-23 - 1 }

        /// True with probability `percent` in a hundred.
        public mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }

        /// One of the numbers of `range`.
        public mutating func pick(_ range: ClosedRange<Int>) -> Int {
            Int.random(in: range, using: &self)
        }
    }
}

extension RandomCheckpoint.Tensor {
    fileprivate func append(to bytes: inout [UInt8]) {
        func append<Element: BitwiseCopyable>(_ elements: [Element]) {
            elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        switch elementType {
        case .float32: append(values)
        case .float64: append(values.map(Double.init))
        case .float16: append(values.map(Float16.init))
        case .bfloat16: append(values.map { UInt16($0.bitPattern >> 16) })
        case .int64: append(values.map { Int64($0) })
        case .int32: append(values.map { Int32($0) })
        default: preconditionFailure("no random tensors of type \(elementType.rawValue)")
        }
    }
}
