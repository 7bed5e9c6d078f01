import CConversionLibraries
import Glibc
import OrepaFiles
import OrepaSystem
import Synchronization

/// SHA-256 of whole files.
package enum FileDigest {
    /// Bytes that are hashed at a time.
    private static let chunk = 1 << 20

    /// The digest as 64 hexadecimal digits. A mapped file's pages are released as soon as they are hashed.
    ///
    /// - Returns: Nil where libcrypto is not on this machine or memory is refused.
    package static func sha256(
        of file: FileBytes, isCancelled: () -> Bool = { false }
    ) -> String? {
        guard let sum = orepa_sha256_begin() else { return nil }
        var isSound = true
        for start in stride(from: 0, to: file.count, by: chunk) {
            if isCancelled() { break }
            let range = start..<min(start + chunk, file.count)
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
            isSound = isSound && orepa_sha256_add(sum, bytes.baseAddress, bytes.count)
            file.releasePages(in: range)
        }
        var digest = [UInt8](repeating: 0, count: Int(OREPA_SHA256_SIZE))
        isSound = orepa_sha256_end(sum, &digest) && isSound
        guard isSound else { return nil }
        return digest.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// A digest that is being computed on a thread of its own, or by `value()` where the system gives no thread.
    ///
    /// Its end waits for that thread, also when nobody asks for the digest any more: a process that exits frees
    /// libcrypto's tables, which the thread must not be using then.
    final class Pending {
        private let work: Work
        private var thread: pthread_t?

        private final class Work: Sendable {
            let file: FileBytes
            let digest = Mutex<String?>(nil)
            let isCancelled = Atomic(false)

            init(_ file: FileBytes) { self.file = file }

            func run() {
                let found = sha256(of: file) { isCancelled.load(ordering: .relaxed) }
                digest.withLock { $0 = found }
            }
        }

        init(of file: FileBytes) {
            work = Work(file)
            thread = SystemThread.start { [work] in work.run() }
        }

        deinit {
            work.isCancelled.store(true, ordering: .relaxed)
            if let thread { pthread_join(thread, nil) }
        }

        /// Waits for the digest; nil as `sha256(of:)`.
        func value() -> String? {
            if let thread {
                pthread_join(thread, nil)
                self.thread = nil
            } else {
                work.run()
            }
            return work.digest.withLock { $0 }
        }
    }
}
