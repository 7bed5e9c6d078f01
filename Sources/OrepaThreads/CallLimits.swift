import CLinuxThreads
import Synchronization

/// When a call is to end before it is done.
///
/// Limits are looked at some milliseconds apart, inside of long layers too, and at a limit that is reached before it starts a
/// call does nothing.
public struct CallLimits: Sendable {
    /// A call that is not done by then throws ``CallStop/deadlineExceeded``.
    public var deadline: ContinuousClock.Instant?
    /// A call whose flag is set throws ``CallStop/cancelled``.
    public var cancellation: Cancellation?
    /// As ``cancellation``: of the task that an `async` call belongs to.
    package var taskCancellation: Cancellation?

    /// - Parameter cancellation: May be shared by any number of calls.
    public init(
        deadline: ContinuousClock.Instant? = nil, cancellation: Cancellation? = nil
    ) {
        self.deadline = deadline
        self.cancellation = cancellation
    }

    /// Whether there is nothing to look at.
    package var isNone: Bool { deadline == nil && cancellation == nil && taskCancellation == nil }

    /// What ends a call now, if anything does.
    package var stop: CallStop? {
        if cancellation?.isCancelled == true || taskCancellation?.isCancelled == true {
            return .cancelled
        }
        if let deadline, ContinuousClock.now >= deadline { return .deadlineExceeded }
        return nil
    }

    /// Whether a call is to end.
    package var areReached: Bool { stop != nil }
}

/// A flag by which any thread ends the calls that were given it.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    /// Ends the calls that have the flag, also those to come. Takes no lock: a signal handler may call it.
    public func cancel() {
        flag.store(true, ordering: .sequentiallyConsistent)
        // For calls that wait for their turn.
        orepa_bell_ring()
    }

    /// Whether ``cancel()`` was called.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
