import Orepa
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

    /// The picture: a file as it is, to be read where it is prepared; what comes out of a pipe that the user named, or of
    /// standard input, read.
    func picture() throws(PictureFailure) -> Picture {
        do throws(FileError) {
            switch source {
            case .unreadable(_, let error): throw error
            case .standardInput:
                return .encoded(try bytes(of: .standardInput(path: path.text)))
            case .file(let file), .listed(let file):
                // /dev/stdin is at hand without /proc too, and where it is a socket.
                guard file.isPipe || file.text == "/dev/stdin" else { return .file(file) }
                return .encoded(try bytes(of: .open(file)))
            case .folderEntry(let file): return .file(file)
            }
        } catch { throw PictureFailure(error) }
    }

    /// All bytes of a picture; the first few alone when they begin no known one, so that nothing large is read to
    /// be refused.
    private func bytes(of descriptor: borrowing InputDescriptor) throws(FileError) -> [UInt8] {
        let head = try descriptor.read(upTo: ImageFormat.signatureLength)
        guard ImageFormat(signatureOf: head) != nil else { return head }
        return try descriptor.readAll(after: head)
    }
}
