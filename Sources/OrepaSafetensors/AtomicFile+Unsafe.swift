import Glibc
import OrepaSystem

/// Files that appear under their name whole, or not at all.
public enum AtomicFile {
    /// Takes the contents of a file that is being written, piece by piece.
    public struct Sink: ~Copyable {
        /// Number of bytes taken so far.
        public private(set) var count = 0
        private let descriptor: Int32
        private let path: RawPath

        fileprivate init(descriptor: Int32, path: RawPath) {
            self.descriptor = descriptor
            self.path = path
        }

        /// Appends `bytes` to the file.
        public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
                if written < 0 {
                    guard errno == EINTR else { throw AtomicFile.notWritable(path) }
                    continue
                }
                rest = rest.dropFirst(written)
                count += written
            }
        }

        /// Appends the memory of `values` to the file.
        public mutating func write<Element: BitwiseCopyable>(
            elements values: [Element]
        ) throws(FileError) {
            // Array.withUnsafeBytes knows no typed errors.
            let failure = values.withUnsafeBytes { buffer -> FileError? in
                do throws(FileError) {
                    try write(buffer)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }
    }

    /// Writes a file at `path` from what `contents` gives to the sink.
    ///
    /// The bytes go to a temporary file in the same folder, which gets the name when they are on the disk and is
    /// removed when anything fails. Without `overwrite`, a file that is at `path` by then stays as it is
    /// (`FileError.exists`), whoever made it and whenever. With it, a regular file is replaced by one with
    /// its permissions; where `path` is a link to one, the file that it leads to.
    public static func write(
        to path: RawPath, overwrite: Bool,
        contents: (inout Sink) throws(FileError) -> Void
    ) throws(FileError) {
        let path = overwrite ? target(ofLink: path) : path
        var status = stat()
        var mode: mode_t?
        if path.withCString({ lstat($0, &status) }) == 0 {
            guard overwrite else { throw .exists(path: path.description) }
            if path.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT != S_IFREG {
                throw .notRegular(path: path.description)
            }
            mode = status.st_mode & 0o777
        }
        let (temporary, descriptor) = try createTemporary(beside: path)
        var isOpen = true
        do throws(FileError) {
            var sink = Sink(descriptor: descriptor, path: path)
            try contents(&sink)
            if let mode, fchmod(descriptor, mode) != 0 { throw notWritable(path) }
            guard fsync(descriptor) == 0 else { throw notWritable(path) }
            isOpen = false
            guard close(descriptor) == 0 else { throw notWritable(path) }
            if overwrite {
                guard rename(temporary, to: path) else { throw notWritable(path) }
            } else {
                try moveWithoutReplacing(temporary, to: path)
            }
        } catch {
            if isOpen { close(descriptor) }
            remove(temporary)
            throw error
        }
    }

    /// The same for a path that is text.
    public static func write(
        to path: String, overwrite: Bool,
        contents: (inout Sink) throws(FileError) -> Void
    ) throws(FileError) {
        try write(to: RawPath(path), overwrite: overwrite, contents: contents)
    }

    /// Writes `bytes` as a file at `path`; see `write(to:overwrite:contents:)`.
    public static func write(
        _ bytes: [UInt8], to path: RawPath, overwrite: Bool
    ) throws(FileError) {
        try write(to: path, overwrite: overwrite) { (sink) throws(FileError) in
            try sink.write(elements: bytes)
        }
    }

    /// The same for a path that is text.
    public static func write(
        _ bytes: [UInt8], to path: String, overwrite: Bool
    ) throws(FileError) {
        try write(bytes, to: RawPath(path), overwrite: overwrite)
    }

    /// Where a symbolic link leads, or `path` itself when it is none or leads nowhere.
    private static func target(ofLink path: RawPath) -> RawPath {
        var status = stat()
        guard path.withCString({ lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFLNK,
            let resolved = path.withCString({ realpath($0, nil) })
        else { return path }
        defer { free(resolved) }
        return RawPath(cString: resolved)
    }

    /// - Returns: Whether the system did it, else why is in `errno`.
    private static func rename(_ old: RawPath, to new: RawPath) -> Bool {
        old.withCString { old in new.withCString { new in Glibc.rename(old, new) } } == 0
    }

    private static func remove(_ path: RawPath) { _ = path.withCString { unlink($0) } }

    private static func create(_ path: RawPath) -> Int32 {
        path.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    }

    private static func createTemporary(
        beside path: RawPath
    ) throws(FileError) -> (path: RawPath, descriptor: Int32) {
        let folder = path.bytes.lastIndex(of: UInt8(ascii: "/")).map { path.bytes[...$0] } ?? []
        for _ in 0..<100 {
            let random = String(UInt64.random(in: .min ... .max), radix: 36)
            let temporary = RawPath(bytes: folder + ".orepa-\(random).tmp".utf8)
            let descriptor = create(temporary)
            if descriptor >= 0 { return (temporary, descriptor) }
            guard errno == EEXIST || errno == EINTR else { break }
        }
        throw notWritable(path)
    }

    private static func moveWithoutReplacing(
        _ temporary: RawPath, to path: RawPath
    ) throws(FileError) {
        if temporary.withCString({ old in path.withCString { new in link(old, new) } }) == 0 {
            remove(temporary)
            return
        }
        guard errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS else {
            throw errno == EEXIST ? .exists(path: path.description) : notWritable(path)
        }
        // A file system without hard links: claim the name, which fails when it is taken, then replace the claim.
        let claim = create(path)
        guard claim >= 0 else {
            throw errno == EEXIST ? .exists(path: path.description) : notWritable(path)
        }
        close(claim)
        guard rename(temporary, to: path) else {
            let failure = notWritable(path)
            remove(path)
            throw failure
        }
    }

    fileprivate static func notWritable(_ path: RawPath) -> FileError {
        .notWritable(path: path.description, reason: String(cString: strerror(errno)))
    }
}
