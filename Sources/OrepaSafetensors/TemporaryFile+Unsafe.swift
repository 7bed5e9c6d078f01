import Glibc

/// A file that is written before it gets the name that it is to have.
///
/// Where the system has files without a name it is one, of which nothing is left however the process ends. Elsewhere, and
/// for the moment in which it replaces another file, it has a name of its own; meanwhile ``EndingSignals`` are held up.
package final class TemporaryFile {
    package let descriptor: Int32
    /// What it is to be called.
    private let path: String
    /// The name of its own.
    private var name: String?
    private var isOpen = true
    private var signals: EndingSignals?

    /// `O_TMPFILE`, which Swift does not import.
    private static let unnamed = 0o20000000 | O_DIRECTORY

    /// - Parameters:
    ///   - path: What it is to be called.
    ///   - mayBeUnnamed: Whether it is to have no name where the system has such files.
    package init(for path: String, mayBeUnnamed: Bool = true) throws(FileError) {
        self.path = path
        if mayBeUnnamed, let descriptor = TemporaryFile.openUnnamed(beside: path) {
            self.descriptor = descriptor
            return
        }
        let signals = EndingSignals()
        for _ in 0..<TemporaryFile.attempts {
            let name = TemporaryFile.randomName(beside: path)
            let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
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
            if linkUnnamed(to: path) == 0 {
                try close()
                return
            }
            guard errno == EEXIST else { throw AtomicFile.notWritable(path) }
            guard overwrite else { throw .exists(path: path) }
            signals = EndingSignals()
            try nameUnnamed()
        }
        try close()
        guard let name else { return }
        if overwrite {
            guard rename(name, path) == 0 else { throw AtomicFile.notWritable(path) }
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
        if let name { unlink(name) }
        name = nil
        signals?.release()
    }

    private func close() throws(FileError) {
        isOpen = false
        guard Glibc.close(descriptor) == 0 else { throw AtomicFile.notWritable(path) }
    }

    private static let attempts = 100

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    private static func randomName(beside path: String) -> String {
        "\(folder(of: path)).orepa-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
    }

    /// Nil where the file system has no such files, or there is no `/proc`, by which they get names.
    private static func openUnnamed(beside path: String) -> Int32? {
        let descriptor = open("\(folder(of: path)).", O_WRONLY | O_CLOEXEC | unnamed, 0o666)
        guard descriptor >= 0 else { return nil }
        guard access(link(to: descriptor), F_OK) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func link(to descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    private func linkUnnamed(to name: String) -> Int32 {
        linkat(
            AT_FDCWD, TemporaryFile.link(to: descriptor), AT_FDCWD, name, AT_SYMLINK_FOLLOW)
    }

    /// A link replaces nothing, as renaming does: before that there has to be a name.
    private func nameUnnamed() throws(FileError) {
        for _ in 0..<TemporaryFile.attempts {
            let name = TemporaryFile.randomName(beside: path)
            if linkUnnamed(to: name) == 0 {
                self.name = name
                return
            }
            guard errno == EEXIST else { break }
        }
        throw AtomicFile.notWritable(path)
    }

    private static func moveWithoutReplacing(
        _ temporary: String, to path: String
    ) throws(FileError) {
        if Glibc.link(temporary, path) == 0 {
            unlink(temporary)
            return
        }
        guard errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS else {
            throw errno == EEXIST ? .exists(path: path) : AtomicFile.notWritable(path)
        }
        // A file system without hard links: claim the name, which fails when it is taken, then replace the claim.
        let claim = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard claim >= 0 else {
            throw errno == EEXIST ? .exists(path: path) : AtomicFile.notWritable(path)
        }
        Glibc.close(claim)
        guard rename(temporary, path) == 0 else {
            let failure = AtomicFile.notWritable(path)
            unlink(path)
            throw failure
        }
    }
}
