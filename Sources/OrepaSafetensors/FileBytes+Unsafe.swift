import Glibc

/// The bytes of a file, read-only and shared: mapped into memory, or held in it.
///
/// Borrowed views keep the instance alive; the bytes never change through this type. A mapped file that
/// somebody truncates while it is in use ends the process (SIGBUS), as with every memory map.
public final class FileBytes: @unchecked Sendable {
    /// The path as the caller gave it, for messages.
    public let path: String
    /// The bytes. Valid only for as long as the instance is alive, which the compiler ends at its last use:
    /// for one that nothing else holds use ``withBytes(_:)``.
    public let bytes: UnsafeRawBufferPointer
    private let backing: Backing

    private enum Backing {
        case mapped
        case owned
        case permanent
    }

    /// Number of bytes.
    public var count: Int { bytes.count }

    /// Maps the regular file at `path`. Costs one system call, not a read: pages come in when touched.
    public init(mapping path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileBytes.openError(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .notReadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path: path) }
        let size = Int(status.st_size)
        self.path = path
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            backing = .permanent
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
            address != MAP_FAILED
        else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        backing = .mapped
    }

    /// Copies `contents` into memory of its own, aligned to 64 bytes.
    public init(_ contents: some Collection<UInt8>, path: String) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: contents.count, alignment: 64)
        copy.copyBytes(from: contents)
        self.path = path
        bytes = UnsafeRawBufferPointer(copy)
        backing = .owned
    }

    /// Borrows memory that is never freed or changed, such as bytes embedded in the program.
    public init(permanent contents: UnsafeRawBufferPointer, path: String) {
        self.path = path
        bytes = contents
        backing = .permanent
    }

    deinit {
        switch backing {
        case .mapped: munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        case .owned: UnsafeMutableRawBufferPointer(mutating: bytes).deallocate()
        case .permanent: break
        }
    }

    /// Calls `body` with the bytes; the instance lives until it returns.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// Tells the system that the whole pages within `range` are not needed soon, which lowers resident
    /// memory; they are read again from the file when touched. Does nothing unless the file is mapped.
    public func releasePages(in range: Range<Int>) {
        guard backing == .mapped, let base = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let lower = (range.lowerBound + page - 1) / page * page
        let upper = range.upperBound == count ? count : range.upperBound / page * page
        guard lower < upper else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + lower), upper - lower, MADV_DONTNEED)
    }

    private static func openError(_ path: String) -> FileError {
        let code = errno
        return code == ENOENT || code == ENOTDIR
            ? .notFound(path: path)
            : .notReadable(path: path, reason: String(cString: strerror(code)))
    }
}
