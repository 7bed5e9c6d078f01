import OrepaSafetensors

/// Makes a checkpoint's tensors from what the formats say of them, each checked against the file.
struct TensorBuilder {
    private(set) var tensors: [CheckpointTensor] = []
    private(set) var indices: [String: Int] = [:]
    private let file: FileBytes
    private let elementLimit: Int
    private var elementCount = 0
    private var storages: [String: CheckpointStorage] = [:]

    init(_ file: FileBytes, limits: CheckpointLimits) {
        self.file = file
        // Without repetition a byte of the file holds at most one element.
        let (limit, overflow) = file.count.addingReportingOverflow(limits.repeatedElementCount)
        elementLimit = overflow ? .max : limit
    }

    /// Adds a tensor of a safetensors file.
    mutating func add(_ entry: SafetensorsFile.Entry) throws(CheckpointError) {
        try append(
            try CheckpointTensor(
                name: entry.name.withoutModulePrefix, elementType: entry.elementType,
                shape: entry.shape, strides: Self.contiguousStrides(entry.shape), offset: 0,
                storage: CheckpointStorage(file: file, range: entry.range)))
    }

    /// Adds the entries of a pickled state dict; `locate` finds a storage by its key.
    mutating func add(
        _ state: StateDictionary, _ heap: PickleHeap, isBigEndian: Bool,
        locate: (String) throws(CheckpointError) -> (range: Range<Int>, record: ZipArchive.Member?)?
    ) throws(CheckpointError) {
        for (fullName, value) in state.entries {
            let name = fullName.withoutModulePrefix
            switch value {
            case .integer(let integer):
                try append(try scalar(name, .int64, UInt64(bitPattern: Int64(integer))))
            case .float(let float):
                try append(try scalar(name, .float64, float.bitPattern))
            case .tensor(.unsupported(let found)):
                throw .unsupportedTensor(path: file.path, name: fullName, found: found)
            case .tensor(.dense(let index, let statedType, let offset, let shape, let strides)):
                let described = heap.storages[index]
                let elementType: ElementType
                switch (described.type, statedType) {
                case (_, let type?): elementType = type
                case (.elements(let type), nil): elementType = type
                case (.untyped, nil): elementType = .uint8
                case (.unsupported(let found), nil):
                    throw .unsupportedTensor(path: file.path, name: fullName, found: found)
                }
                guard let (range, record) = try locate(described.key) else {
                    throw .missingStorage(
                        path: file.path, name: fullName, storage: described.key)
                }
                let size = described.count.multipliedReportingOverflow(
                    by: described.type.byteCount)
                guard !size.overflow, size.partialValue == range.count else {
                    throw .storageSizeMismatch(
                        path: file.path, name: fullName, storage: described.key,
                        expected: size.overflow ? .max : size.partialValue, found: range.count)
                }
                let storage: CheckpointStorage
                if let view = described.view {
                    let start = range.lowerBound + view.offset * described.type.byteCount
                    storage = CheckpointStorage(
                        file: file, range: start..<start + view.count * described.type.byteCount,
                        isBigEndian: isBigEndian, record: record)
                } else if let shared = storages[described.key] {
                    storage = shared
                } else {
                    storage = CheckpointStorage(
                        file: file, range: range, isBigEndian: isBigEndian, record: record)
                    storages[described.key] = storage
                }
                try append(
                    try CheckpointTensor(
                        name: name, elementType: elementType, shape: shape, strides: strides,
                        offset: offset, storage: storage))
            }
        }
    }

    /// A number that stands in the state dict by itself, as a tensor without dimensions.
    private func scalar(
        _ name: String, _ elementType: ElementType, _ bits: UInt64
    ) throws(CheckpointError) -> CheckpointTensor {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
        let memory = FileBytes(bytes, path: file.path)
        return try CheckpointTensor(
            name: name, elementType: elementType, shape: [], strides: [], offset: 0,
            storage: CheckpointStorage(file: memory, range: 0..<8))
    }

    private mutating func append(_ tensor: CheckpointTensor) throws(CheckpointError) {
        let (sum, overflow) = elementCount.addingReportingOverflow(tensor.elementCount)
        guard !overflow, sum <= elementLimit else {
            throw .tooManyElements(
                path: file.path, name: tensor.name, limit: elementLimit,
                found: overflow ? .max : sum)
        }
        elementCount = sum
        guard indices.updateValue(tensors.count, forKey: tensor.name) == nil else {
            throw .nameCollision(path: file.path, name: tensor.name)
        }
        tensors.append(tensor)
    }

    private static func contiguousStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var stride = 1
        for dimension in shape.indices.reversed() {
            strides[dimension] = stride
            // A shape without elements may have any extents; its strides mean nothing.
            let product = stride.multipliedReportingOverflow(by: max(shape[dimension], 1))
            stride = product.overflow ? 1 : product.partialValue
        }
        return strides
    }
}

extension String {
    /// The name without a leading `module.`, which data-parallel training puts there.
    fileprivate var withoutModulePrefix: String {
        hasPrefix("module.") ? String(dropFirst("module.".count)) : self
    }
}
