/// A file that cannot be opened, read or written.
public enum FileError: Error, Hashable, Sendable {
    /// There is no file at the path.
    case notFound(path: String)
    /// The path names a folder; `found` says of what kind.
    case folder(path: String, found: String)
    /// The path names a folder to be written over, a device or another thing that is no regular file.
    case notRegular(path: String)
    /// The system refused to open, read or map the file.
    case notReadable(path: String, reason: String)
    /// The system refused the memory that holding or mapping the file takes.
    case outOfMemory(path: String, byteCount: Int)
    /// The system refused to create, write or rename the file.
    case notWritable(path: String, reason: String)
    /// The file is there and may not be replaced.
    case exists(path: String)
    /// The caller asked to stop before the file was read.
    case interrupted(path: String)
}

extension FileError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .notFound(""), .notWritable("", _): "expected the path of a file, found an empty one"
        case .notFound(let path): "\(path): no such file"
        case .folder(let path, let found): "\(path): expected a file, found \(found)"
        case .notRegular(let path): "\(path): expected a regular file"
        case .notReadable(let path, let reason): "\(path): cannot read: \(reason)"
        case .outOfMemory(let path, let byteCount):
            "\(path): expected \(byteCount) bytes of memory, the system refused them"
        case .notWritable(let path, let reason): "\(path): cannot write: \(reason)"
        case .exists(let path): "\(path): exists already"
        case .interrupted(let path): "\(path): expected to read all of it, the caller asked to stop"
        }
    }
}
