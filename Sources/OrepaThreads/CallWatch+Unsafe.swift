import Synchronization

/// Whether a call has reached one of its limits, which all of its threads ask now and then.
///
/// The first thread that finds a limit reached tells the others, so that all give up what is left of the call.
@usableFromInline
package final class CallWatch: @unchecked Sendable {
    /// Changed only while no thread is in a call.
    private var limits = CallLimits()
    /// 0, or a ``CallStop``.
    private let reached = Atomic<UInt8>(0)

    package init(_ limits: CallLimits = CallLimits()) { self.limits = limits }

    /// Begins a call, of which no thread is there yet.
    package func begin(_ limits: CallLimits) {
        self.limits = limits
        reached.store(0, ordering: .relaxed)
    }

    /// What was found to end the call; limits are not looked at.
    package var stop: CallStop? { CallStop(rawValue: reached.load(ordering: .relaxed)) }

    /// Looks at the limits: whether the call is to end. Takes some ten nanoseconds.
    @usableFromInline
    package func look() -> Bool {
        if reached.load(ordering: .relaxed) != 0 { return true }
        guard let stop = limits.stop else { return false }
        reached.store(stop.rawValue, ordering: .relaxed)
        return true
    }
}
