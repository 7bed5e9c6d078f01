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

    /// A file that is no picture by content, found in a folder.
    struct NotAnImage: Error {}

    /// The bytes of the picture. Read, not mapped, so that a file that shrinks meanwhile is an error only.
    func bytes() throws -> [UInt8] {
        if isStandardInput { return try ImageInput.read(STDIN_FILENO, path: path) }
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
        if isFromFolder {
            let head = try ImageInput.read(descriptor, path: path, limit: 64)
            guard ImageFormat(signatureOf: head) != nil else { throw NotAnImage() }
            lseek(descriptor, 0, SEEK_SET)
        }
        return try ImageInput.read(descriptor, path: path, expected: Int(status.st_size))
    }

    /// Larger files are no pictures that fit the decoder's limits anyway.
    private static let largestFile = 1 << 30

    private static func read(
        _ descriptor: Int32, path: String, expected: Int = 0, limit: Int = largestFile
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = min(limit, max(1 << 16, min(expected + 1, largestFile)))
        while bytes.count < limit {
            let offset = bytes.count
            chunk = min(chunk, limit - offset)
            bytes.append(contentsOf: repeatElement(0, count: chunk))
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + offset, chunk)
            }
            bytes.removeLast(chunk - max(count, 0))
            if count < 0 && errno == EINTR { continue }
            if count < 0 {
                throw FileError.notReadable(path: path, reason: String(cString: strerror(errno)))
            }
            if count == 0 { return bytes }
        }
        if limit == largestFile {
            throw FileError.notReadable(path: path, reason: "larger than \(largestFile) bytes")
        }
        return bytes
    }
}
