import CConversionLibraries
import OrepaSystem

/// OpenBLAS and libcrypto, which are loaded when something is converted or verified.
enum ConversionLibraries {
    /// What OpenBLAS maps, itself and its buffers, and a thread's heap beside it: where buffers are refused, OpenBLAS tries
    /// again and again.
    private static let openBLASByteCount = 448 << 20

    /// Loads both, before any thread is started that reads the environment.
    ///
    /// - Throws: ``ConversionError/library(_:)`` where one is missing, ``ConversionError/memory(byteCount:)``.
    static func load() throws(ConversionError) {
        do throws(MemoryRefusal) {
            try SystemMemory.check(byteCount: openBLASByteCount)
        } catch { throw .memory(byteCount: error.byteCount) }
        for load in [orepa_load_openblas, orepa_load_libcrypto] {
            if let problem = load() { throw .library(String(cString: problem)) }
        }
    }

    /// What hashing gave once libcrypto is loaded.
    ///
    /// - Throws: ``ConversionError/library(_:)`` where it was refused memory.
    static func digest(_ found: String?) throws(ConversionError) -> String {
        guard let found else { throw .library("SHA-256: the system refused memory") }
        return found
    }
}
