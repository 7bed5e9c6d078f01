import CLinuxThreads
import Synchronization

/// A number that threads sleep on until another one changes it and wakes them. Lies alone in its cache lines.
package struct Futex: @unchecked Sendable {
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    package init() {
        word = CacheLines.allocate(Atomic(0))
    }

    package func deallocate() { CacheLines.deallocate(word) }

    /// A read that no other sequentially consistent access is seen on the wrong side of.
    package var value: UInt32 { word.pointee.load(ordering: .sequentiallyConsistent) }

    package func set(_ value: UInt32) {
        word.pointee.store(value, ordering: .sequentiallyConsistent)
    }

    package func add(_ value: UInt32) {
        word.pointee.wrappingAdd(value, ordering: .sequentiallyConsistent)
    }

    /// Sleeps if the value is `value`; may return early. A negative time is no limit.
    package func wait(while value: UInt32, nanoseconds: Int64 = -1) {
        orepa_futex_wait(
            UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), value, nanoseconds)
    }

    /// Wakes one that sleeps; after a change of the value.
    package func wakeOne() {
        orepa_futex_wake_one(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }

    /// Wakes all that sleep; after a change of the value.
    package func wake() {
        orepa_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
}
