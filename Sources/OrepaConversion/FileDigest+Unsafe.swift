import CCrypto
import Dispatch
import OrepaSafetensors
import Synchronization

/// SHA-256 of whole files.
package enum FileDigest {
    /// Bytes that are hashed at a time.
    private static let chunk = 1 << 20

    /// The digest as 64 hexadecimal digits. A mapped file's pages are released as soon as they are hashed.
    package static func sha256(of file: FileBytes) -> String {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var isSound = EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        for start in stride(from: 0, to: file.count, by: chunk) {
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

    /// Computes the digest on another thread; the function that it gives waits for it.
    static func startSHA256(of file: FileBytes) -> () -> String {
        let result = DigestResult()
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
            let digest = sha256(of: file)
            result.digest.withLock { $0 = digest }
        }
        return {
            group.wait()
            return result.digest.withLock { $0 }
        }
    }

    private final class DigestResult: Sendable {
        let digest = Mutex("")
    }
}
