import CProcess
import Glibc
import OrepaSafetensors
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
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                offset += count
            } else if errno == EPIPE {
                throw Failure(.closedPipe)
            } else if !Waiting.mayRepeat(STDOUT_FILENO, for: POLLOUT) {
                if errno == EINTR { orepa_end_by_signal(orepa_received_interrupt()) }
                throw Failure(
                    .cannotCreate,
                    "standard output: cannot write: \(String(cString: strerror(errno)))")
            }
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
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                offset += count
            } else if !Waiting.mayRepeat(STDERR_FILENO, for: POLLOUT) {
                return
            }
        }
    }
}
