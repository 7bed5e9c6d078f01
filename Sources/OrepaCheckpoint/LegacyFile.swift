import OrepaSafetensors

/// A file that `torch.save` wrote before PyTorch 1.6, or later when told to: four pickles (magic number, version,
/// machine, contents), a fifth with the order of the storages, then the storages, each behind its element count.
struct LegacyFile {
    /// What the fourth pickle describes.
    let root: PickleValue
    let heap: PickleHeap
    /// Where the elements of each storage are within the file.
    let storages: [String: Range<Int>]

    static let version = 1001
    /// 0x1950a86a20f9469cfc6c, least significant byte first.
    static let magicNumber: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    init(_ file: FileBytes, limits: CheckpointLimits) throws(CheckpointError) {
        let path = file.path
        var machine = PickleMachine(file, in: 0..<file.count, limits: limits)

        let magic = try Self.run(&machine, path)
        guard case .longInteger(Self.magicNumber) = magic else {
            throw .legacy(path: path, .wrongMagicNumber(found: magic.kind))
        }
        let version = try Self.run(&machine, path)
        guard case .integer(Self.version) = version else {
            var found = version.kind
            if case .integer(let number) = version { found = String(number) }
            throw .legacy(
                path: path, .unsupportedVersion(expected: Self.version, found: found))
        }
        // The storages are little-endian on every machine, whatever this says of the one that wrote them.
        let information = try Self.run(&machine, path)
        guard case .dictionary(let index) = information else {
            throw .legacy(path: path, .badSystemInformation(found: information.kind))
        }
        guard case .bool? = machine.heap.value("little_endian", in: index) else {
            throw .legacy(path: path, .badSystemInformation(found: "a dict without it"))
        }
        root = try Self.run(&machine, path)
        let keys = try Self.run(&machine, path)
        guard case .list(let list) = keys else {
            throw .legacy(path: path, .badStorageKey(found: keys.kind))
        }
        heap = machine.heap

        var described: [String: PickleHeap.Storage] = [:]
        for storage in heap.storages {
            if let other = described.updateValue(storage, forKey: storage.key) {
                guard other.type == storage.type, other.count == storage.count else {
                    throw .legacy(path: path, .contradictingStorage(key: storage.key))
                }
            }
        }
        var reader = ByteReader(file, in: machine.position..<file.count)
        var storages: [String: Range<Int>] = [:]
        for value in heap.lists[list] {
            let key: String
            switch value {
            case .text(let text): key = text
            case .integer(let integer): key = String(integer)
            default: throw .legacy(path: path, .badStorageKey(found: value.kind))
            }
            guard let storage = described[key] else {
                throw .legacy(path: path, .unknownStorage(key: key))
            }
            guard let count = reader.littleEndian(Int64.self) else {
                throw .legacy(
                    path: path,
                    .truncatedStorage(key: key, expected: 8, found: reader.remaining))
            }
            guard count == storage.count else {
                throw .legacy(
                    path: path,
                    .storageSizeMismatch(key: key, expected: storage.count, found: Int(count)))
            }
            let size = storage.count.multipliedReportingOverflow(by: storage.type.byteCount)
            guard !size.overflow, let range = reader.take(size.partialValue) else {
                throw .legacy(
                    path: path,
                    .truncatedStorage(
                        key: key, expected: size.overflow ? .max : size.partialValue,
                        found: reader.remaining))
            }
            guard storages.updateValue(range, forKey: key) == nil else {
                throw .legacy(path: path, .duplicateStorage(key: key))
            }
        }
        guard reader.remaining == 0 else {
            throw .legacy(path: path, .trailingBytes(count: reader.remaining))
        }
        self.storages = storages
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
