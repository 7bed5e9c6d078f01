import CProcess
import Glibc
import OrepaFiles
import Synchronization

/// Buffered standard output that says when it cannot be written.
final class StandardOutput: Sendable {
    static let shared = StandardOutput()

    private let pending = Mutex<[UInt8]>([])
    private static let bufferSize = 1 << 16

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    func write(_ text: String) throws(Failure) {
        try writeBytes(text.utf8)
    }

    func writeBytes(_ bytes: some Sequence<UInt8>) throws(Failure) {
        let isFull = pending.withLock { pending in
            pending.append(contentsOf: bytes)
            return pending.count >= StandardOutput.bufferSize
        }
        if isFull { try flush() }
    }

    func writeLine(_ text: String) throws(Failure) {
        try write(text + "\n")
    }

    /// Writes lines for people: whatever in them a terminal would obey is escaped, except the ends of lines.
    func writeText(_ text: String) throws(Failure) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        try write(lines.map { $0.escapedForPrinting() }.joined(separator: "\n"))
    }

    /// - Throws: status 141 without a message when the reader is gone, 73 for any other reason.
    func flush() throws(Failure) {
        let bytes = pending.withLock { pending in
            defer { pending.removeAll(keepingCapacity: true) }
            return pending
        }
        if !bytes.isEmpty, StandardOutput.isTerminal { Progress.wipe() }
        switch writeAll(bytes, to: STDOUT_FILENO) {
        case 0: return
        case EPIPE: throw Failure(.closedPipe)
        case EINTR: orepa_end_by_signal(orepa_received_interrupt())
        case let error:
            throw Failure(
                .cannotCreate, "standard output: cannot write: \(String(cString: strerror(error)))")
        }
    }
}

enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a line, escaped for terminals and of bounded length, after any progress line has been wiped.
    static func write(_ line: String) {
        Progress.wipe()
        writeRaw(line.escapedForPrinting(limit: Text.mostBytes) + "\n")
    }

    static func writeRaw(_ text: String) {
        _ = writeAll(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// Writes all of `bytes`, waiting where the stream takes none at the moment.
///
/// - Returns: 0, or the error of the system (`errno`) that ended it.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var offset = 0
    while offset < bytes.count {
        let count = bytes[offset...].withUnsafeBytes {
            Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if count >= 0 {
            offset += count
        } else if !Waiting.mayRepeat(descriptor, for: POLLOUT) {
            return errno
        }
    }
    return 0
}
