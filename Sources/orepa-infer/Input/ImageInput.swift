import Glibc
import OrepaImage
import OrepaSafetensors

/// One picture to answer about.
struct ImageInput: Sendable {
    /// Where a picture's bytes come from.
    enum Source: Sendable {
        case standardInput
        case file(FilePath)
        /// A file found in a folder: left out, not failed, when it is no image by content.
        case folderEntry(FilePath)
        /// What cannot be read, as is known already.
        case unreadable(FilePath, FileError)
    }

    let source: Source

    /// As the user gave it, or as it lies under a folder that the user gave.
    var path: String {
        switch source {
        case .standardInput: "-"
        case .file(let path), .folderEntry(let path), .unreadable(let path, _): path.text
        }
    }

    /// The picture that an argument of this program names; `-` is standard input.
    init(argument: String) {
        source = argument == "-" ? .standardInput : .file(FilePath(argument: argument))
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
        case .standardInput: return try bytes(of: STDIN_FILENO)
        case .file(let file), .folderEntry(let file):
            // Without waiting for the other end of a pipe.
            let descriptor = file.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            guard descriptor >= 0 else {
                if errno == ENOENT || errno == ENOTDIR { throw FileError.notFound(path: path) }
                throw FileError.notReadable(path: path, reason: String(cString: strerror(errno)))
            }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw FileError.notRegular(path: path)
            }
            return try bytes(of: descriptor, expected: Int(status.st_size))
        }
    }

    /// Larger files are no pictures that fit the decoder's limits anyway.
    private static let largestFile = 1 << 30
    private static let chunkSize = 1 << 18

    /// All bytes of a picture; the first few alone when they begin no known one, so that nothing large is read to
    /// be refused.
    private func bytes(of descriptor: Int32, expected: Int = 0) throws -> [UInt8] {
        let (chunkSize, largestFile) = (ImageInput.chunkSize, ImageInput.largestFile)
        let head = try ImageInput.read(descriptor, path: path, limit: ImageFormat.signatureLength)
        guard ImageFormat(signatureOf: head) != nil else {
            if case .folderEntry = source { throw NotAnImage() }
            return head
        }
        var bytes = head
        bytes.reserveCapacity(min(expected, largestFile) + 1)
        while true {
            let chunk = try ImageInput.read(descriptor, path: path, limit: chunkSize)
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= largestFile else {
                throw FileError.notReadable(path: path, reason: "larger than \(largestFile) bytes")
            }
        }
    }

    /// Up to `limit` bytes, fewer only at the end.
    private static func read(_ descriptor: Int32, path: String, limit: Int) throws -> [UInt8] {
        var reason: String?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            while initialized < limit {
                let count = Glibc.read(
                    descriptor, buffer.baseAddress! + initialized, limit - initialized)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { reason = String(cString: strerror(errno)) }
                guard count > 0 else { return }
                initialized += count
            }
        }
        if let reason { throw FileError.notReadable(path: path, reason: reason) }
        return bytes
    }

    /// All bytes of standard input, whatever they are.
    static func standardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try read(STDIN_FILENO, path: "standard input", limit: chunkSize)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }
}
