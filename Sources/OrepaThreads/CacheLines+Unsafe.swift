/// Memory for a value that shares no cache line with another: a thread that waits for it to change is then not
/// disturbed by changes of its neighbours.
enum CacheLines {
    /// Two lines of 64 bytes, since processors fetch them in pairs.
    private static let byteCount = 128

    static func allocate<Value: ~Copyable>(_ value: consuming Value) -> UnsafeMutablePointer<Value>
    {
        precondition(MemoryLayout<Value>.size <= byteCount, "the value fits into its lines")
        // Memory: small.
        let pointer = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: byteCount)
            .bindMemory(to: Value.self, capacity: 1)
        pointer.initialize(to: value)
        return pointer
    }

    static func deallocate<Value: ~Copyable>(_ pointer: UnsafeMutablePointer<Value>) {
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }
}
