/// The system refused memory.
package struct MemoryRefusal: Error, Hashable, Sendable {
    /// How many bytes were asked for.
    package let byteCount: Int

    package init(byteCount: Int) { self.byteCount = byteCount }
}
