import CLinuxThreads
import Synchronization

/// A number that threads sleep on until another one changes it and wakes them. Lies alone in its cache lines.
struct Futex: @unchecked Sendable {
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = CacheLines.allocate(Atomic(0))
    }

    func deallocate() { CacheLines.deallocate(word) }

    /// A read that no other sequentially consistent access is seen on the wrong side of.
    var value: UInt32 { word.pointee.load(ordering: .sequentiallyConsistent) }

    func set(_ value: UInt32) { word.pointee.store(value, ordering: .sequentiallyConsistent) }

    func add(_ value: UInt32) {
        word.pointee.wrappingAdd(value, ordering: .sequentiallyConsistent)
    }

    /// Sleeps if the value is `value`; may return early. A negative time is no limit.
    func wait(while value: UInt32, nanoseconds: Int64 = -1) {
        orepa_futex_wait(
            UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), value, nanoseconds)
    }

    /// Wakes all that sleep; after a change of the value.
    func wake() {
        orepa_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
}
