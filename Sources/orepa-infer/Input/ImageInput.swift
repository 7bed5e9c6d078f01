import Glibc
import OrepaFiles
import OrepaImage
import OrepaSystem

/// One picture to answer about.
struct ImageInput: Sendable {
    /// Where a picture's bytes come from.
    enum Source: Sendable {
        case standardInput
        case file(RawPath)
        /// A file that a list names.
        case listed(RawPath)
        /// A file found in a folder: left out, not failed, when it is no image by content.
        case folderEntry(RawPath)
        /// What cannot be read, as is known already.
        case unreadable(RawPath, FileError)
    }

    let source: Source

    /// As the user gave it, or as it lies under a folder that the user gave.
    var path: RawPath {
        switch source {
        case .standardInput: RawPath(bytes: "-".utf8)
        case .file(let path), .listed(let path), .folderEntry(let path), .unreadable(let path, _):
            path
        }
    }

    /// The picture that an argument of this program names; `-` is standard input.
    init(argument: RawPath) {
        source = argument.isStandardStream ? .standardInput : .file(argument)
    }

    init(_ source: Source) {
        self.source = source
    }

    /// A file that is no picture by content, found in a folder.
    struct NotAnImage: Error {}

    /// The bytes of the picture. Read, not mapped, so that a file that shrinks meanwhile is an error only.
    func bytes() throws -> [UInt8] {
        switch source {
        case .unreadable(_, let error): throw error
        case .standardInput:
            return try bytes(of: .standardInput(path: path.text))
        case .file(let file), .folderEntry(let file):
            return try bytes(of: .open(file, waitsForWriter: isNamedByUser))
        case .listed(let file):
            do { return try bytes(of: .open(file, waitsForWriter: true)) } catch {
                guard case FileError.notFound = error, let oddity = ListLine.oddity(of: file.bytes)
                else { throw error }
                throw PictureFailure("no such file; \(oddity)")
            }
        }
    }

    /// A pipe in a folder is nothing to wait for.
    private var isNamedByUser: Bool {
        if case .folderEntry = source { false } else { true }
    }

    /// All bytes of a picture; the first few alone when they begin no known one, so that nothing large is read to
    /// be refused.
    private func bytes(of descriptor: borrowing InputDescriptor) throws -> [UInt8] {
        let head = try descriptor.read(upTo: ImageFormat.signatureLength)
        guard ImageFormat(signatureOf: head) != nil else {
            if case .folderEntry = source { throw NotAnImage() }
            return head
        }
        return try descriptor.readAll(after: head)
    }
}
