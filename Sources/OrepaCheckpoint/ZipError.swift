import OrepaFiles

/// Bytes that are no zip file, or one of a kind that `torch.save` does not write.
public enum ZipError: Error, Hashable, Sendable {
    /// The archive is meant for something else, which is named.
    case otherKind(String)
    /// There is no end-of-central-directory record: the file is truncated, or no zip file.
    case noEndRecord(size: Int)
    /// The zip64 records are missing where the file refers to them, or contradict the short ones.
    case badZip64Record(offset: Int)
    /// The archive is one of several disks.
    case severalDisks(found: Int)
    /// The central directory does not lie right before its end record.
    case badDirectory(offset: UInt64, size: UInt64, expectedEnd: Int)
    /// The central directory is too short for its number of members.
    case tooManyMembers(limit: Int, found: UInt64)
    /// The central directory is broken at `offset`.
    case badDirectoryEntry(offset: Int)
    /// A member has no name, one that is too long, or one that is not UTF-8.
    case badMemberName(offset: Int)
    /// Two members have the same name.
    case duplicateMember(name: String)
    /// A member is encrypted.
    case encryptedMember(name: String)
    /// A member is compressed.
    case compressedMember(name: String, method: Int)
    /// A stored member has a compressed size that differs from its size.
    case sizeMismatch(name: String, expected: UInt64, found: UInt64)
    /// A member's local header is not there or broken.
    case badLocalHeader(name: String, offset: Int)
    /// A member's local header contradicts the central directory.
    case localHeaderDiffers(name: String, field: String)
    /// A member needs more bytes than the file has there.
    case memberBeyondEnd(name: String, expected: UInt64, found: Int)
    /// A member begins before the one in front of it ends.
    case overlappingMembers(name: String, expected: Int, found: Int)
}

extension ZipError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .otherKind(let found):
            "expected a checkpoint, found \(found)"
        case .noEndRecord(let size):
            "truncated: found no end record of a zip archive in its \(size) bytes"
        case .badZip64Record(let offset):
            "the zip64 record is missing or contradicts the end record, byte \(offset)"
        case .severalDisks(let found):
            "expected a zip archive of one disk, found disk \(found)"
        case .badDirectory(let offset, let size, let expectedEnd):
            "expected the zip directory to end at \(expectedEnd), found it at \(offset) "
                + "with \(size) bytes"
        case .tooManyMembers(let limit, let found):
            "expected at most \(limit) members in the zip directory, found \(found)"
        case .badDirectoryEntry(let offset):
            "expected a zip directory entry at byte \(offset), found other bytes"
        case .badMemberName(let offset):
            "expected a member's name of at most \(ByteName.largestByteCount) bytes in UTF-8 at byte \(offset), found other bytes"
        case .duplicateMember(let name):
            "member \(name.quoted) occurs twice"
        case .encryptedMember(let name):
            "member \(name.quoted): expected plain contents, found encrypted ones"
        case .compressedMember(let name, let method):
            "member \(name.quoted): expected stored contents, found compression method \(method)"
        case .sizeMismatch(let name, let expected, let found):
            "member \(name.quoted): expected \(expected) stored bytes, found \(found)"
        case .badLocalHeader(let name, let offset):
            "member \(name.quoted): expected its header at byte \(offset), found other bytes"
        case .localHeaderDiffers(let name, let field):
            "member \(name.quoted): its header and the directory differ in \(field)"
        case .memberBeyondEnd(let name, let expected, let found):
            "member \(name.quoted): needs byte \(expected), found only \(found)"
        case .overlappingMembers(let name, let expected, let found):
            "member \(name.quoted): expected to begin at \(expected) or later, found \(found)"
        }
    }
}
