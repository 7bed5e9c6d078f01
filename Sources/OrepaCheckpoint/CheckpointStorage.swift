import OrepaSafetensors
import Synchronization

/// A run of elements in a file, which one or several tensors look at.
final class CheckpointStorage: Sendable {
    let file: FileBytes
    /// Where the elements are within the file.
    let range: Range<Int>
    let isBigEndian: Bool
    /// The file's record that holds the elements, and its CRC-32, when there is one.
    private let record: (name: String, range: Range<Int>, checksum: UInt32)?
    private let isVerified: Atomic<Bool>

    init(
        file: FileBytes, range: Range<Int>, isBigEndian: Bool = false,
        record: ZipArchive.Member? = nil
    ) {
        self.file = file
        self.range = range
        self.isBigEndian = isBigEndian
        self.record = record.map { ($0.name, $0.range, $0.checksum) }
        isVerified = Atomic(record == nil)
    }

    /// Compares the checksum with the one in the file, the first time.
    func verify() throws(CheckpointError) {
        guard !isVerified.load(ordering: .acquiring), let record else { return }
        let found = file.checksum(of: record.range)
        guard found == record.checksum else {
            throw .checksumMismatch(
                path: file.path, record: record.name, expected: record.checksum, found: found)
        }
        isVerified.store(true, ordering: .releasing)
    }
}
