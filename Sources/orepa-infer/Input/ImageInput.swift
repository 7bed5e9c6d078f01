import Glibc
import OrepaImage
import OrepaSafetensors

/// One picture to answer about.
struct ImageInput: Sendable {
    /// As the user gave it, or as it lies under a folder that the user gave.
    let path: String
    let isStandardInput: Bool
    /// Found in a folder: left out, not failed, when it is no image by content.
    let isFromFolder: Bool
    /// Why it is known already that it cannot be read.
    var failure: FileError?

    /// A file that is no picture by content, found in a folder.
    struct NotAnImage: Error {}

    /// The bytes of the picture. Read, not mapped, so that a file that shrinks meanwhile is an error only.
    func bytes() throws -> [UInt8] {
        if isStandardInput {
            let head = try ImageInput.read(
                STDIN_FILENO, path: path, limit: ImageFormat.signatureLength)
            return try ImageInput.rest(of: STDIN_FILENO, after: head, path: path, expected: 0)
        }
        if let failure { throw failure }
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw FileError.notFound(path: path) }
            throw FileError.notReadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError.notRegular(path: path) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FileError.notReadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        let head = try ImageInput.read(descriptor, path: path, limit: ImageFormat.signatureLength)
        if isFromFolder, ImageFormat(signatureOf: head) == nil { throw NotAnImage() }
        return try ImageInput.rest(
            of: descriptor, after: head, path: path, expected: Int(status.st_size))
    }

    /// Larger files are no pictures that fit the decoder's limits anyway.
    private static let largestFile = 1 << 30
    private static let chunkSize = 1 << 18

    /// All bytes of a picture whose first ones are `head`; those alone when they begin no known picture, so that
    /// nothing large is read to be refused.
    private static func rest(
        of descriptor: Int32, after head: [UInt8], path: String, expected: Int
    ) throws -> [UInt8] {
        guard ImageFormat(signatureOf: head) != nil else { return head }
        var bytes = head
        bytes.reserveCapacity(min(expected, largestFile) + 1)
        while true {
            let chunk = try read(descriptor, path: path, limit: chunkSize)
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
