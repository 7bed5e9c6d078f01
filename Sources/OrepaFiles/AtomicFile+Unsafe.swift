import Glibc
import OrepaSystem

/// Files that appear under their name whole, or not at all.
public enum AtomicFile {
    /// Takes the contents of a file that is being written, piece by piece.
    public struct Sink: ~Copyable {
        /// Number of bytes taken so far.
        public private(set) var count = 0
        private let file: TemporaryFile
        private let path: RawPath

        /// Bytes that are written at a time, between which signals are looked for.
        private static let part = 1 << 20

        fileprivate init(_ file: TemporaryFile, path: RawPath) {
            self.file = file
            self.path = path
        }

        /// Appends `bytes` to the file.
        public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
            var rest = bytes[...]
            while !rest.isEmpty {
                if file.isToEnd {
                    throw .notWritable(
                        path: path.description, reason: "a signal ends the process")
                }
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Sink.part))
                let written = Glibc.write(file.descriptor, piece.baseAddress, piece.count)
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
    /// The bytes go to a ``TemporaryFile`` in the same folder, which gets the name when they are on the disk and is
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
        let file = try TemporaryFile(for: path)
        do throws(FileError) {
            var sink = Sink(file, path: path)
            try contents(&sink)
            if let mode, fchmod(file.descriptor, mode) != 0 { throw notWritable(path) }
            guard fsync(file.descriptor) == 0 else { throw notWritable(path) }
            try file.move(overwrite: overwrite)
        } catch {
            file.remove()
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

    static func notWritable(_ path: RawPath) -> FileError {
        .notWritable(path: path.description, reason: String(cString: strerror(errno)))
    }
}
