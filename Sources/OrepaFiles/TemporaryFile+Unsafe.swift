import Glibc
import OrepaSystem

/// A file that is written before it gets the name that it is to have.
///
/// Where the system has files without a name it is one, of which nothing is left however the process ends. Elsewhere, and
/// for the moment in which it replaces another file, it has a name of its own; meanwhile ``EndingSignals`` are held up.
package final class TemporaryFile {
    package let descriptor: Int32
    /// What it is to be called.
    private let path: RawPath
    /// The name of its own.
    private var name: RawPath?
    private var isOpen = true
    private var signals: EndingSignals?

    /// `O_TMPFILE`, which Swift does not import.
    private static let unnamed = 0o20000000 | O_DIRECTORY

    /// - Parameters:
    ///   - path: What it is to be called.
    ///   - mayBeUnnamed: Whether it is to have no name where the system has such files.
    package init(for path: RawPath, mayBeUnnamed: Bool = true) throws(FileError) {
        self.path = path
        if mayBeUnnamed, let descriptor = TemporaryFile.openUnnamed(beside: path) {
            self.descriptor = descriptor
            return
        }
        let signals = EndingSignals()
        for _ in 0..<TemporaryFile.attempts {
            let name = TemporaryFile.randomName(beside: path)
            let descriptor = TemporaryFile.create(name)
            if descriptor >= 0 {
                self.descriptor = descriptor
                self.name = name
                self.signals = signals
                return
            }
            guard errno == EEXIST || errno == EINTR else { break }
        }
        let error = AtomicFile.notWritable(path)
        signals.release()
        throw error
    }

    /// Whether a signal that is held up would end the process.
    package var isToEnd: Bool { signals?.arePending == true }

    /// Gives the file its name, and closes it. Where that fails it is still to be removed.
    ///
    /// - Parameter overwrite: Whether a file of that name is replaced.
    package func move(overwrite: Bool) throws(FileError) {
        if name == nil {
            if linkUnnamed(to: path) {
                try close()
                return
            }
            guard errno == EEXIST else { throw AtomicFile.notWritable(path) }
            guard overwrite else { throw .exists(path: path.description) }
            signals = EndingSignals()
            try nameUnnamed()
        }
        try close()
        guard let name else { return }
        if overwrite {
            guard TemporaryFile.rename(name, to: path) else { throw AtomicFile.notWritable(path) }
        } else {
            try TemporaryFile.moveWithoutReplacing(name, to: path)
        }
        self.name = nil
        signals?.release()
    }

    /// Closes the file and removes what is left of it.
    package func remove() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
        if let name { TemporaryFile.unlink(name) }
        name = nil
        signals?.release()
    }

    private func close() throws(FileError) {
        isOpen = false
        guard Glibc.close(descriptor) == 0 else { throw AtomicFile.notWritable(path) }
    }

    private static let attempts = 100

    /// With the slash behind it; nothing for the current folder.
    private static func folder(of path: RawPath) -> [UInt8] {
        path.bytes.lastIndex(of: UInt8(ascii: "/")).map { Array(path.bytes[...$0]) } ?? []
    }

    private static func randomName(beside path: RawPath) -> RawPath {
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return RawPath(bytes: folder(of: path) + Array(".orepa-\(random).tmp".utf8))
    }

    private static func create(_ path: RawPath) -> Int32 {
        path.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    }

    private static func unlink(_ path: RawPath) { _ = path.withCString { Glibc.unlink($0) } }

    /// - Returns: Whether the system did it; otherwise `errno` tells why not.
    private static func rename(_ old: RawPath, to new: RawPath) -> Bool {
        old.withCString { old in new.withCString { new in Glibc.rename(old, new) } } == 0
    }

    /// Nil where the file system has no such files, or there is no `/proc`, by which they get names.
    private static func openUnnamed(beside path: RawPath) -> Int32? {
        let folder = RawPath(bytes: folder(of: path) + [UInt8(ascii: ".")])
        let descriptor = folder.withCString { open($0, O_WRONLY | O_CLOEXEC | unnamed, 0o666) }
        guard descriptor >= 0 else { return nil }
        guard access(link(to: descriptor), F_OK) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func link(to descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    private func linkUnnamed(to name: RawPath) -> Bool {
        name.withCString {
            linkat(AT_FDCWD, TemporaryFile.link(to: descriptor), AT_FDCWD, $0, AT_SYMLINK_FOLLOW)
        } == 0
    }

    /// A link replaces nothing, as renaming does: before that there has to be a name.
    private func nameUnnamed() throws(FileError) {
        for _ in 0..<TemporaryFile.attempts {
            let name = TemporaryFile.randomName(beside: path)
            if linkUnnamed(to: name) {
                self.name = name
                return
            }
            guard errno == EEXIST else { break }
        }
        throw AtomicFile.notWritable(path)
    }

    private static func moveWithoutReplacing(
        _ temporary: RawPath, to path: RawPath
    ) throws(FileError) {
        if temporary.withCString({ old in path.withCString { new in Glibc.link(old, new) } }) == 0 {
            unlink(temporary)
            return
        }
        guard errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS else { throw taken(path) }
        // A file system without hard links: claim the name, which fails when it is taken, then replace the claim.
        let claim = create(path)
        guard claim >= 0 else { throw taken(path) }
        Glibc.close(claim)
        guard rename(temporary, to: path) else {
            let failure = AtomicFile.notWritable(path)
            unlink(path)
            throw failure
        }
    }

    private static func taken(_ path: RawPath) -> FileError {
        errno == EEXIST ? .exists(path: path.description) : AtomicFile.notWritable(path)
    }
}
