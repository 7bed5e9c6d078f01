import CProcess

/// Memory that the program has to spare. Small allocations of Swift and of libraries, which end a program when they are
/// refused, come out of it; what depends on the size of a file or picture is asked for beyond it.
enum MemoryMargin {
    static let byteCount = 8 << 20

    private static let sentence: StaticString =
        "orepa-infer: the system refused memory, or threads, that this needs\n"

    /// Ends the program with a sentence where the system does not give the margin, now or at an allocation later.
    static func require() {
        sentence.withUTF8Buffer { sentence in
            sentence.withMemoryRebound(to: CChar.self) {
                orepa_end_without_memory(
                    $0.baseAddress!, Failure.Status.refused.rawValue, byteCount)
            }
        }
        guard orepa_has_memory(byteCount) else {
            Failure(.refused, "the system refused \(byteCount) bytes of memory").exit()
        }
    }
}
