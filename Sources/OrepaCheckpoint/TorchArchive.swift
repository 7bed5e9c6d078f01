import OrepaFiles

/// A file that `torch.save` writes since PyTorch 1.6: a zip archive with `data.pkl`, and one record for each
/// storage, all within one folder.
struct TorchArchive {
    /// What `data.pkl` describes.
    let root: PickleValue
    let heap: PickleHeap
    let isBigEndian: Bool
    private let file: FileBytes
    private let archive: ZipArchive
    /// The folder with the slash behind it.
    private let prefix: String

    static let versions = 1...10

    init(_ file: FileBytes, limits: CheckpointLimits) throws(CheckpointError) {
        let path = file.path
        let archive: ZipArchive
        do throws(ZipError) {
            archive = try ZipArchive(file) { Self.otherKind(names: $0) }
        } catch {
            if case .otherKind(let found) = error {
                throw .unsupportedFormat(path: path, found: found)
            }
            throw .archive(path: path, error)
        }
        let pickles = archive.names.filter(Self.isPickle)
        guard pickles.count == 1 else {
            throw .badRecord(
                path: path, record: "data.pkl", expected: "one", found: "\(pickles.count)")
        }
        self.file = file
        self.archive = archive
        prefix = String(pickles[0].utf8.dropLast("data.pkl".utf8.count))!

        let version = try Self.text(archive, file, prefix + "version")
        guard let version else { throw .missingRecord(path: path, record: prefix + "version") }
        let trimmed =
            version.utf8.last == UInt8(ascii: "\n")
            ? String(version.utf8.dropLast())! : version
        guard let number = Int(trimmed), Self.versions.contains(number) else {
            throw .badRecord(
                path: path, record: prefix + "version",
                expected: "\(Self.versions.lowerBound) to \(Self.versions.upperBound)",
                found: trimmed.quoted)
        }
        switch try Self.text(archive, file, prefix + "byteorder") {
        case nil, "little": isBigEndian = false
        case "big": isBigEndian = true
        case let other?:
            throw .badRecord(
                path: path, record: prefix + "byteorder", expected: "`little` or `big`",
                found: other.quoted)
        }

        guard let pickle = try Self.member(pickles[0], of: archive, path) else {
            throw .missingRecord(path: path, record: pickles[0])
        }
        try Self.verify(pickle, file)
        var machine = PickleMachine(file, in: pickle.range, limits: limits)
        do throws(PickleError) {
            guard pickle.range.count <= limits.pickleByteCount else {
                throw .tooLarge(limit: limits.pickleByteCount, found: pickle.range.count)
            }
            root = try machine.run()
            guard machine.position == pickle.range.upperBound else {
                throw .trailingBytes(
                    count: pickle.range.upperBound - machine.position, offset: machine.position)
            }
        } catch {
            throw .pickle(path: path, error)
        }
        heap = machine.heap
    }

    /// The record that holds a storage.
    func record(ofStorage key: String) throws(CheckpointError) -> ZipArchive.Member? {
        try Self.member("\(prefix)data/\(key)", of: archive, file.path)
    }

    private static func member(
        _ name: String, of archive: ZipArchive, _ path: String
    ) throws(CheckpointError) -> ZipArchive.Member? {
        do throws(ZipError) {
            return try archive.member(name)
        } catch {
            throw .archive(path: path, error)
        }
    }

    private static func isPickle(_ name: String) -> Bool {
        guard let slash = name.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
        return name.utf8[slash...].elementsEqual("/data.pkl".utf8)
    }

    /// What a zip file with members of these names is, unless it is a checkpoint.
    private static func otherKind(names: [String]) -> String? {
        let isScript = names.contains { name in
            ByteName(name).hasSuffix("/constants.pkl")
                || name.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2)
                    .dropFirst().first?.elementsEqual("code".utf8) ?? false
        }
        if isScript { return "a TorchScript archive" }
        if names.contains(where: isPickle) { return nil }
        return "a zip archive without data.pkl"
    }

    private static func verify(
        _ member: ZipArchive.Member, _ file: FileBytes
    ) throws(CheckpointError) {
        try CheckpointRecord(member).verify(in: file)
    }

    /// The contents of a small record, or nil when there is none.
    private static func text(
        _ archive: ZipArchive, _ file: FileBytes, _ name: String
    ) throws(CheckpointError) -> String? {
        guard let member = try Self.member(name, of: archive, file.path) else { return nil }
        guard member.range.count <= 64 else {
            throw .badRecord(
                path: file.path, record: name, expected: "at most 64 bytes",
                found: "\(member.range.count)")
        }
        try verify(member, file)
        guard let text = file.string(member.range) else {
            throw .badRecord(path: file.path, record: name, expected: "UTF-8", found: "other bytes")
        }
        return text
    }
}
