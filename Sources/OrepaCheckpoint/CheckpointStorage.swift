import OrepaFiles
import Synchronization

/// A run of elements in a file, which one or several tensors look at.
final class CheckpointStorage: Sendable {
    let file: FileBytes
    /// Where the elements are within the file.
    let range: Range<Int>
    let isBigEndian: Bool
    /// The file's record that holds the elements, when there is one; other storages may be parts of it.
    private let record: CheckpointRecord?

    init(
        file: FileBytes, range: Range<Int>, isBigEndian: Bool = false,
        record: CheckpointRecord? = nil
    ) {
        self.file = file
        self.range = range
        self.isBigEndian = isBigEndian
        self.record = record
    }

    /// Compares the record's checksum with the one in the file, the first time.
    func verify() throws(CheckpointError) {
        guard let record else { return }
        try record.verify(in: file)
    }
}

/// A record of a file with its CRC-32, which is calculated once, whatever looks at the record.
final class CheckpointRecord: Sendable {
    private let member: ZipArchive.Member
    private let isVerified = Atomic(false)

    init(_ member: ZipArchive.Member) { self.member = member }

    func verify(in file: FileBytes) throws(CheckpointError) {
        guard !isVerified.load(ordering: .acquiring) else { return }
        let found = file.checksum(of: member.range)
        guard found == member.checksum else {
            throw .checksumMismatch(
                path: file.path, record: member.name, expected: member.checksum, found: found)
        }
        isVerified.store(true, ordering: .releasing)
    }
}
