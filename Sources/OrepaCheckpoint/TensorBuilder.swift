import OrepaFiles
import OrepaSafetensors

/// Makes a checkpoint's tensors from what the formats say of them, each checked against the file.
struct TensorBuilder {
    private(set) var tensors: [CheckpointTensor] = []
    private(set) var indices: [ByteName: Int] = [:]
    private let file: FileBytes
    private let elementLimit: Int
    private var elementCount = CheckedSize(0)
    /// What was found in the file, by the key in the heap.
    private var located: [Int: Located] = [:]

    private struct Located {
        let range: Range<Int>
        let record: CheckpointRecord?
        /// All of the elements, which tensors share.
        let whole: CheckpointStorage
    }

    init(_ file: FileBytes, limits: CheckpointLimits) {
        self.file = file
        // Without repetition a byte of the file holds at most one element.
        elementLimit = (CheckedSize(file.count) + limits.repeatedElementCount).value ?? .max
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
        locate: (_ key: Int) throws(CheckpointError) -> (
            range: Range<Int>, record: CheckpointRecord?
        )?
    ) throws(CheckpointError) {
        let numbers = numbers(of: state)
        var numberCount = 0
        for (fullName, value) in state.entries {
            let name = fullName.withoutModulePrefix
            switch value {
            case .integer, .float:
                let elementType =
                    if case .float = value { ElementType.float64 } else { ElementType.int64 }
                try append(
                    try CheckpointTensor(
                        name: name, elementType: elementType, shape: [], strides: [],
                        offset: numberCount, storage: numbers))
                numberCount += 1
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
                let found: Located
                if let known = located[described.key] {
                    found = known
                } else if let (range, record) = try locate(described.key) {
                    found = Located(
                        range: range, record: record,
                        whole: CheckpointStorage(
                            file: file, range: range, isBigEndian: isBigEndian, record: record))
                    located[described.key] = found
                } else {
                    throw .missingStorage(
                        path: file.path, name: fullName, storage: heap.storageKeys[described.key])
                }
                let size = CheckedSize(described.count) * described.type.byteCount
                guard size.value == found.range.count else {
                    throw .storageSizeMismatch(
                        path: file.path, name: fullName,
                        storage: heap.storageKeys[described.key], expected: size.value ?? .max,
                        found: found.range.count)
                }
                var storage = found.whole
                if let view = described.view {
                    // Within the storage, as the pickle was read, whose size fits.
                    let start = found.range.lowerBound + view.offset * described.type.byteCount
                    storage = CheckpointStorage(
                        file: file, range: start..<start + view.count * described.type.byteCount,
                        isBigEndian: isBigEndian, record: found.record)
                }
                try append(
                    try CheckpointTensor(
                        name: name, elementType: elementType, shape: shape, strides: strides,
                        offset: offset, storage: storage))
            }
        }
    }

    /// The numbers that stand in the state dict by themselves, each to be a tensor without dimensions: 8 bytes each,
    /// in their order.
    private func numbers(of state: StateDictionary) -> CheckpointStorage {
        var bytes: [UInt8] = []
        for (_, value) in state.entries {
            let bits: UInt64
            switch value {
            case .integer(let integer): bits = UInt64(bitPattern: Int64(integer))
            case .float(let float): bits = float.bitPattern
            case .tensor: continue
            }
            for shift in 0..<8 as Range<UInt64> {
                bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * shift)))
            }
        }
        let memory = FileBytes(bytes, path: file.path)
        return CheckpointStorage(file: memory, range: 0..<bytes.count)
    }

    private mutating func append(_ tensor: CheckpointTensor) throws(CheckpointError) {
        let name = ByteName(tensor.name)
        guard name.text.utf8.count <= ByteName.largestByteCount else {
            throw .nameTooLong(
                path: file.path, name: tensor.name.escapedForPrinting(limit: 200),
                limit: ByteName.largestByteCount, found: name.text.utf8.count)
        }
        elementCount = elementCount + tensor.elementCount
        guard elementCount.atMost(elementLimit) != nil else {
            throw .tooManyElements(
                path: file.path, name: tensor.name, limit: elementLimit,
                found: elementCount.value ?? .max)
        }
        guard indices.updateValue(tensors.count, forKey: name) == nil else {
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
            stride = (CheckedSize(stride) * max(shape[dimension], 1)).value ?? 1
        }
        return strides
    }
}

extension String {
    /// The name without a leading `module.`, which data-parallel training puts there.
    fileprivate var withoutModulePrefix: String {
        utf8.starts(with: "module.".utf8) ? String(utf8.dropFirst("module.".utf8.count))! : self
    }
}
