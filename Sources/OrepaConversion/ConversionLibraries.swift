import CConversionLibraries

/// OpenBLAS and libcrypto, which are loaded when something is converted or verified.
enum ConversionLibraries {
    /// Loads both, before any thread is started that reads the environment.
    ///
    /// - Throws: ``ConversionError/library(_:)`` where one is missing.
    static func load() throws(ConversionError) {
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
