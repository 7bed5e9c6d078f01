import Glibc
import Synchronization

/// The part that one picture has of the memory in which all threads of the process decode, for as long as it lives.
///
/// Takes no lock, so that a fork in the middle leaves nothing locked in the child; a child begins with nothing taken,
/// since threads do not survive a fork.
package final class DecodingReservation: Sendable {
    private static let taken = Atomic<Int>(0)
    /// The process whose threads have taken it.
    private static let process = Atomic<Int32>(0)

    private let own = Atomic<Int>(0)
    private let ownProcess = getpid()

    /// Nothing yet.
    init() {}

    deinit {
        if getpid() == ownProcess {
            Self.taken.subtract(own.load(ordering: .relaxed), ordering: .relaxed)
        }
    }

    /// Bytes that all threads have taken together.
    package static var total: Int {
        process.load(ordering: .relaxed) == getpid() ? taken.load(ordering: .relaxed) : 0
    }

    /// Takes `count` bytes, once.
    ///
    /// Where all threads together would have more than `limit` it waits until others are done; who needs more than that
    /// goes alone.
    ///
    /// - Throws: ``ImageError/interrupted`` while it waits.
    func take(_ count: Int, limit: Int, isInterrupted: () -> Bool) throws(ImageError) {
        Self.forgetParent()
        while true {
            let before = Self.taken.load(ordering: .relaxed)
            if before <= 0 || count <= limit - before {
                let (taken, _) = Self.taken.compareExchange(
                    expected: before, desired: before + count, ordering: .relaxed)
                if taken {
                    own.store(count, ordering: .relaxed)
                    return
                }
                continue
            }
            if isInterrupted() { throw .interrupted }
            usleep(Self.pause)
        }
    }

    /// Microseconds after which a waiting thread looks again.
    private static let pause: UInt32 = 500

    /// Whoever is first in a new process takes away what threads of its parent had taken.
    private static func forgetParent() {
        let current = getpid()
        let known = process.load(ordering: .relaxed)
        guard known != current else { return }
        let inherited = taken.load(ordering: .relaxed)
        if process.compareExchange(expected: known, desired: current, ordering: .relaxed).exchanged
        {
            taken.subtract(inherited, ordering: .relaxed)
        }
    }
}
