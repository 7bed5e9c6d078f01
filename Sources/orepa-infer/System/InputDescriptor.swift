import CProcess
import Glibc
import OrepaFiles
import OrepaSystem

/// A file, pipe or standard input that is open for reading.
struct InputDescriptor: ~Copyable {
    private let descriptor: Int32
    /// For messages.
    private let path: String
    private let isOwned: Bool
    /// Bytes that are to be expected; 0 where it is not known.
    private let size: Int

    /// Larger files are nothing that this program reads whole.
    private static let largestFile = 1 << 30
    private static let chunkSize = 1 << 18

    private init(_ descriptor: Int32, path: String, isOwned: Bool, size: Int = 0) {
        self.descriptor = descriptor
        self.path = path
        self.isOwned = isOwned
        self.size = size
    }

    /// Standard input, which stays open.
    static func standardInput(path: String = "standard input") -> InputDescriptor {
        InputDescriptor(STDIN_FILENO, path: path, isOwned: false)
    }

    /// Opens a regular file, or a pipe, which waits for its other end.
    static func open(_ file: RawPath) throws(FileError) -> InputDescriptor {
        // At hand without /proc, and where standard input is a socket, which cannot be opened.
        if file.text == "/dev/stdin" { return standardInput(path: file.description) }
        var status = stat()
        let isPipe =
            file.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFIFO
        // Without waiting for anything else, should it have been replaced since.
        let flags = O_RDONLY | O_CLOEXEC | (isPipe ? 0 : O_NONBLOCK)
        let descriptor = try InputDescriptor.descriptor(of: file, flags)
        let kind = fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
        guard kind == S_IFREG || kind == S_IFIFO else {
            close(descriptor)
            throw .notRegular(path: file.description)
        }
        return InputDescriptor(
            descriptor, path: file.description, isOwned: true,
            size: kind == S_IFREG ? Int(status.st_size) : 0)
    }

    deinit { if isOwned { close(descriptor) } }

    /// Where there are no descriptors left, waits for those that other threads of this program hold.
    private static func descriptor(
        of file: RawPath, _ flags: Int32
    ) throws(FileError) -> Int32 {
        var attempts = 0
        while true {
            let descriptor = file.withCString { Glibc.open($0, flags) }
            if descriptor >= 0 { return descriptor }
            switch errno {
            case EINTR where orepa_received_interrupt() == 0: continue
            case EMFILE where attempts < 500, ENFILE where attempts < 500:
                attempts += 1
                usleep(1000)
            case ENOENT, ENOTDIR: throw .notFound(path: file.description)
            default:
                throw .notReadable(path: file.description, reason: String(cString: strerror(errno)))
            }
        }
    }

    /// Up to `limit` bytes, fewer only at the end.
    func read(upTo limit: Int) throws(FileError) -> [UInt8] {
        var failure: FileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            while initialized < limit {
                let count = Glibc.read(
                    descriptor, buffer.baseAddress! + initialized, limit - initialized)
                if count > 0 {
                    initialized += count
                } else if count == 0 {
                    return
                } else if !Waiting.mayRepeat(descriptor, for: POLLIN) {
                    failure = .notReadable(path: path, reason: String(cString: strerror(errno)))
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// All bytes, those in `head`, which were read already, first.
    func readAll(after head: [UInt8] = []) throws(FileError) -> [UInt8] {
        var bytes = head
        try InputDescriptor.reserve(
            min(size, InputDescriptor.largestFile) + 1, in: &bytes, path: path)
        while true {
            let chunk = try read(upTo: InputDescriptor.chunkSize)
            if chunk.isEmpty { return bytes }
            let count = bytes.count + chunk.count
            guard count <= InputDescriptor.largestFile else {
                throw .notReadable(
                    path: path, reason: "larger than \(InputDescriptor.largestFile) bytes")
            }
            if count > bytes.capacity {
                try InputDescriptor.reserve(2 * count, in: &bytes, path: path)
            }
            bytes += chunk
        }
    }

    /// Asks the system first: an array's memory cannot be refused without ending the program.
    private static func reserve(
        _ count: Int, in bytes: inout [UInt8], path: String
    ) throws(FileError) {
        do throws(MemoryRefusal) { try SystemMemory.check(byteCount: count) } catch {
            throw .outOfMemory(path: path, byteCount: count)
        }
        bytes.reserveCapacity(count)
    }
}

/// Descriptors that somebody has set to refuse rather than to wait, as some programs leave standard streams.
enum Waiting {
    /// Whether a call that failed is to be made again: at once after a signal, or when `descriptor` is ready for
    /// `events`, which is waited for. Not when the program is to end.
    static func mayRepeat(_ descriptor: Int32, for events: Int32) -> Bool {
        if errno == EINTR { return orepa_received_interrupt() == 0 }
        guard errno == EAGAIN || errno == EWOULDBLOCK else { return false }
        var polled = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while poll(&polled, 1, -1) < 0 {
            guard errno == EINTR, orepa_received_interrupt() == 0 else { return false }
        }
        return true
    }
}
