import OrepaFiles

/// A file that `torch.save` wrote before PyTorch 1.6, or later when told to: four pickles (magic number, version,
/// machine, contents), a fifth with the order of the storages, then the storages, each behind its element count.
struct LegacyFile {
    /// What the fourth pickle describes.
    let root: PickleValue
    let heap: PickleHeap
    private let file: FileBytes
    /// For each key of the heap, where the storage is within the file, the element count in front of it included.
    private let storages: [Int: (range: Range<Int>, count: Int)]

    static let version = 1001
    /// Size of the element count in front of each storage, in bytes.
    private static let countSize = 8
    /// 0x1950a86a20f9469cfc6c, least significant byte first.
    static let magicNumber: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    init(_ file: FileBytes, limits: CheckpointLimits) throws(CheckpointError) {
        let path = file.path
        var machine = PickleMachine(file, in: 0..<file.count, limits: limits)

        let magic = try Self.run(&machine, path)
        guard case .longInteger(let index) = magic,
            machine.heap.longIntegers[index] == Self.magicNumber
        else { throw .legacy(path: path, .wrongMagicNumber(found: machine.heap.kind(magic))) }
        let version = try Self.run(&machine, path)
        guard case .integer(Self.version) = version else {
            var found = machine.heap.kind(version)
            if case .integer(let number) = version { found = String(number) }
            throw .legacy(
                path: path, .unsupportedVersion(expected: Self.version, found: found))
        }
        // The storages are little-endian on every machine, whatever this says of the one that wrote them.
        let information = try Self.run(&machine, path)
        guard case .dictionary(let contents) = information else {
            throw .legacy(path: path, .badSystemInformation(found: machine.heap.kind(information)))
        }
        guard case .bool? = machine.heap.value("little_endian", in: contents) else {
            throw .legacy(path: path, .badSystemInformation(found: "a dict without it"))
        }
        root = try Self.run(&machine, path)
        let keys = try Self.run(&machine, path)
        guard case .list(let list) = keys else {
            throw .legacy(path: path, .badStorageKey(found: machine.heap.kind(keys)))
        }
        var described: [Int: PickleHeap.Storage] = [:]
        for storage in machine.heap.storages {
            if let other = described.updateValue(storage, forKey: storage.key) {
                guard other.type == storage.type, other.count == storage.count else {
                    throw .legacy(
                        path: path,
                        .contradictingStorage(key: machine.heap.storageKeys[storage.key]))
                }
            }
        }
        var reader = ByteReader(file, in: machine.position..<file.count)
        var storages: [Int: (range: Range<Int>, count: Int)] = [:]
        for value in machine.heap.lists[list] {
            switch value {
            case .text, .integer: break
            default: throw .legacy(path: path, .badStorageKey(found: machine.heap.kind(value)))
            }
            let index: Int
            do { index = try machine.storageKey(value) } catch {
                throw .pickle(path: path, error)
            }
            let key = machine.heap.storageKeys[index]
            guard let storage = described[index] else {
                throw .legacy(path: path, .unknownStorage(key: key))
            }
            // The counts of storages that nobody asks for are not read, so that they are never touched.
            let size = CheckedSize(storage.count) * storage.type.byteCount + Self.countSize
            guard let byteCount = size.value, let range = reader.take(byteCount) else {
                throw .legacy(
                    path: path,
                    .truncatedStorage(
                        key: key, expected: size.value ?? .max, found: reader.remaining))
            }
            guard storages.updateValue((range, storage.count), forKey: index) == nil else {
                throw .legacy(path: path, .duplicateStorage(key: key))
            }
        }
        guard reader.remaining == 0 else {
            throw .legacy(path: path, .trailingBytes(count: reader.remaining))
        }
        heap = machine.heap
        self.storages = storages
        self.file = file
    }

    /// Where the elements of the storage with a key of the heap are within the file, or nil when there is no such
    /// storage.
    func elements(ofStorage key: Int) throws(CheckpointError) -> Range<Int>? {
        guard let (range, count) = storages[key] else { return nil }
        var reader = ByteReader(file, in: range)
        let found = reader.littleEndian(Int64.self).map { Int($0) } ?? -1
        guard found == count else {
            throw .legacy(
                path: file.path,
                .storageSizeMismatch(
                    key: heap.storageKeys[key], expected: count, found: found))
        }
        return reader.position..<range.upperBound
    }

    private static func run(
        _ machine: inout PickleMachine, _ path: String
    ) throws(CheckpointError) -> PickleValue {
        do throws(PickleError) {
            return try machine.run()
        } catch {
            throw .pickle(path: path, error)
        }
    }
}
