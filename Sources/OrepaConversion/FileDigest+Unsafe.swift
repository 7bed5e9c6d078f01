import CCrypto
import Dispatch
import OrepaSafetensors
import Synchronization

/// SHA-256 of whole files.
package enum FileDigest {
    /// Bytes that are hashed at a time.
    private static let chunk = 1 << 20

    /// The digest as 64 hexadecimal digits. A mapped file's pages are released as soon as they are hashed.
    package static func sha256(
        of file: FileBytes, isCancelled: () -> Bool = { false }
    ) -> String {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var isSound = EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        for start in stride(from: 0, to: file.count, by: chunk) {
            if isCancelled() { break }
            let range = start..<min(start + chunk, file.count)
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
            isSound = isSound && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
            file.releasePages(in: range)
        }
        var digest = [UInt8](repeating: 0, count: 32)
        isSound = isSound && EVP_DigestFinal_ex(context, &digest, nil) == 1
        // None of the three fails but for want of memory.
        precondition(isSound, "SHA-256 is not available")
        return digest.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// A digest that is being computed on another thread.
    ///
    /// Its end waits for that thread, also when nobody asks for the digest any more: a process that exits frees
    /// libcrypto's tables, which the thread must not be using then.
    final class Pending: Sendable {
        private let group = DispatchGroup()
        private let shared = Shared()

        private final class Shared: Sendable {
            let digest = Mutex("")
            let isCancelled = Atomic(false)
        }

        init(of file: FileBytes) {
            DispatchQueue.global().async(group: group) { [shared] in
                let digest = sha256(of: file) { shared.isCancelled.load(ordering: .relaxed) }
                shared.digest.withLock { $0 = digest }
            }
        }

        deinit {
            shared.isCancelled.store(true, ordering: .relaxed)
            group.wait()
        }

        /// Waits for the digest.
        func value() -> String {
            group.wait()
            return shared.digest.withLock { $0 }
        }
    }
}
