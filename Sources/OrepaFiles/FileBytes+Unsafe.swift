import Glibc
import OrepaSystem

/// The bytes of a file, read-only and shared: mapped into memory, or held in it.
///
/// Borrowed views keep the instance alive; the bytes never change through this type. A mapped file that
/// somebody truncates while it is in use ends the process (SIGBUS), as with every memory map.
public final class FileBytes: @unchecked Sendable {
    /// The path as the caller gave it, for messages: what is not UTF-8 is spelled.
    public let path: String
    /// The bytes. Valid only for as long as the instance is alive, which the compiler ends at its last use:
    /// for one that nothing else holds use ``withBytes(_:)``.
    public let bytes: UnsafeRawBufferPointer
    private let backing: Backing

    private enum Backing {
        case mapped
        case read
        case owned
        case allocated
        case permanent
    }

    /// Bytes that are read or copied at a time: from the system's cache in less than a millisecond.
    private static let part = 1 << 20

    /// Number of bytes.
    public var count: Int { bytes.count }

    /// Maps the regular file at `path`. Costs one system call, not a read: pages come in when touched.
    public convenience init(mapping path: String) throws(FileError) {
        try self.init(mapping: RawPath(path))
    }

    /// The same for a path that need not be UTF-8.
    public init(mapping location: RawPath) throws(FileError) {
        let path = location.description
        let (descriptor, size) = try FileBytes.open(location, path)
        defer { close(descriptor) }
        self.path = path
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            backing = .permanent
            return
        }
        // Memory: checked below.
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
            address != MAP_FAILED
        else { throw FileBytes.mapError(path, size) }
        do throws(MemoryRefusal) { try SystemMemory.check() } catch {
            munmap(address, size)
            throw .outOfMemory(path: path, byteCount: size)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        backing = .mapped
    }

    /// Reads the regular file at `path` into memory of its own: what happens to the file later does not matter. Where the
    /// process has no descriptor left, waits half a second for those that its other threads hold.
    ///
    /// - Parameters:
    ///   - largest: A file of more bytes is refused before memory is taken, where its first bytes are wanted.
    ///   - isInterrupted: Asked about each millisecond; true ends the call with ``FileError/interrupted(path:)``.
    ///   - isWanted: Is shown the first bytes, at most 16. Where it says no, only those are read.
    /// - Throws: also when the file gets shorter meanwhile, or when the system refuses the memory.
    public convenience init(
        reading path: String, largest: Int = .max, isInterrupted: () -> Bool = { false },
        isWanted: (_ head: UnsafeRawBufferPointer) -> Bool = { _ in true }
    ) throws(FileError) {
        try self.init(
            reading: RawPath(path), largest: largest, isInterrupted: isInterrupted,
            isWanted: isWanted)
    }

    /// The same for a path that need not be UTF-8.
    public init(
        reading location: RawPath, largest: Int = .max, isInterrupted: () -> Bool = { false },
        isWanted: (_ head: UnsafeRawBufferPointer) -> Bool = { _ in true }
    ) throws(FileError) {
        let path = location.description
        let (descriptor, size) = try FileBytes.open(location, path, isInterrupted)
        defer { close(descriptor) }
        self.path = path
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            backing = .permanent
            return
        }
        // Memory: small.
        let head = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(size, FileBytes.headCount), alignment: 16)
        defer { head.deallocate() }
        try FileBytes.read(descriptor, path, into: head, isInterrupted)
        let count = isWanted(UnsafeRawBufferPointer(head)) ? size : head.count
        guard count <= largest else {
            throw .notReadable(
                path: path, reason: "expected at most \(largest) bytes, found \(size)")
        }
        let address: UnsafeMutableRawPointer
        do throws(MemoryRefusal) { address = try SystemMemory.map(byteCount: count) } catch {
            throw .outOfMemory(path: path, byteCount: count)
        }
        // Fewer page faults, where the system has huge pages.
        madvise(address, count, MADV_HUGEPAGE)
        let memory = UnsafeMutableRawBufferPointer(start: address, count: count)
        do throws(FileError) {
            try FileBytes.read(descriptor, path, into: memory, isInterrupted)
        } catch {
            munmap(address, count)
            throw error
        }
        bytes = UnsafeRawBufferPointer(memory)
        backing = .read
    }

    /// The first bytes, by which files are told apart.
    private static let headCount = 16

    /// Fills `memory` with the first bytes of an open file.
    private static func read(
        _ descriptor: Int32, _ path: String, into memory: UnsafeMutableRawBufferPointer,
        _ isInterrupted: () -> Bool
    ) throws(FileError) {
        var count = 0
        while count < memory.count {
            if isInterrupted() { throw .interrupted(path: path) }
            let step = pread(
                descriptor, memory.baseAddress! + count, min(memory.count - count, part),
                off_t(count))
            if step < 0 && errno == EINTR { continue }
            guard step > 0 else {
                throw .notReadable(
                    path: path,
                    reason: step < 0 ? String(cString: strerror(errno)) : "it got shorter")
            }
            count += step
        }
    }

    /// Copies `contents` into memory of its own, aligned to 64 bytes.
    ///
    /// - Parameter isInterrupted: Asked about each millisecond; true ends the call.
    /// - Throws: ``FileError/outOfMemory(path:byteCount:)``, ``FileError/interrupted(path:)``.
    public init(
        copying contents: some Collection<UInt8>, path: String,
        isInterrupted: () -> Bool = { false }
    ) throws(FileError) {
        let count = contents.count
        let memory: UnsafeMutableRawPointer
        do throws(MemoryRefusal) { memory = try SystemMemory.allocate(byteCount: count) } catch {
            throw .outOfMemory(path: path, byteCount: count)
        }
        let copy = UnsafeMutableRawBufferPointer(start: memory, count: count)
        var start = 0
        var index = contents.startIndex
        while start < count {
            if isInterrupted() {
                SystemMemory.deallocate(memory)
                throw .interrupted(path: path)
            }
            let end = start + min(count - start, FileBytes.part)
            let next = contents.index(index, offsetBy: end - start)
            UnsafeMutableRawBufferPointer(rebasing: copy[start..<end])
                .copyBytes(from: contents[index..<next])
            (start, index) = (end, next)
        }
        self.path = path
        bytes = UnsafeRawBufferPointer(copy)
        backing = .owned
    }

    /// The same where the caller knows that the memory is there: otherwise the process ends.
    public init(_ contents: some Collection<UInt8>, path: String) {
        // Memory: checked by the caller.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: contents.count, alignment: 64)
        copy.copyBytes(from: contents)
        self.path = path
        bytes = UnsafeRawBufferPointer(copy)
        backing = .allocated
    }

    /// Borrows memory that is never freed or changed, such as bytes embedded in the program.
    public init(permanent contents: UnsafeRawBufferPointer, path: String) {
        self.path = path
        bytes = contents
        backing = .permanent
    }

    deinit {
        switch backing {
        case .mapped, .read:
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        case .owned:
            SystemMemory.deallocate(UnsafeMutableRawPointer(mutating: bytes.baseAddress!))
        case .allocated: UnsafeMutableRawBufferPointer(mutating: bytes).deallocate()
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

    /// Opens the regular file at `path`, and tells its size.
    ///
    /// - Parameter givesUp: Asked each millisecond while the process has no descriptor left.
    private static func open(
        _ location: RawPath, _ path: String, _ givesUp: () -> Bool = { true }
    ) throws(FileError) -> (descriptor: Int32, size: Int) {
        var (descriptor, code) = descriptor(of: location)
        var attempts = 0
        while descriptor < 0, code == EMFILE || code == ENFILE, attempts < 500, !givesUp() {
            usleep(1000)
            attempts += 1
            (descriptor, code) = FileBytes.descriptor(of: location)
        }
        guard descriptor >= 0 else { throw openError(path, code) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw .notReadable(path: path, reason: reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw status.st_mode & S_IFMT == S_IFDIR
                ? .folder(path: path, found: FolderKind.description(of: location))
                : .notRegular(path: path)
        }
        return (descriptor, Int(status.st_size))
    }

    /// Opens what is at the path, without waiting for the other end of a pipe; or tells why not.
    private static func descriptor(of location: RawPath) -> (descriptor: Int32, code: Int32) {
        let descriptor = location.withCString {
            Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        }
        return (descriptor, errno)
    }

    private static func mapError(_ path: String, _ byteCount: Int) -> FileError {
        let code = errno
        return code == ENOMEM
            ? .outOfMemory(path: path, byteCount: byteCount)
            : .notReadable(path: path, reason: String(cString: strerror(code)))
    }

    private static func openError(_ path: String, _ code: Int32) -> FileError {
        code == ENOENT || code == ENOTDIR
            ? .notFound(path: path)
            : .notReadable(path: path, reason: String(cString: strerror(code)))
    }
}
