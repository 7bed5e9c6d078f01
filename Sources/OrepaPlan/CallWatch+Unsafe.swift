import COrepaKernels
import Synchronization

/// Whether a call has reached one of its limits, which all of its threads ask now and then.
///
/// The first thread that finds a limit reached tells the others, so that all give up what is left of the call.
final class CallWatch: @unchecked Sendable {
    /// What ended a call early.
    enum Stop: UInt8 {
        case cancelled = 1
        case deadlineExceeded

        var error: PlanError {
            switch self {
            case .cancelled: .cancelled
            case .deadlineExceeded: .deadlineExceeded
            }
        }
    }

    /// Changed only while no thread is in a call.
    private var limits = CallLimits()
    /// 0, or a ``Stop``.
    private let reached = Atomic<UInt8>(0)

    init(_ limits: CallLimits = CallLimits()) { self.limits = limits }

    /// Begins a call, of which no thread is there yet.
    func begin(_ limits: CallLimits) {
        self.limits = limits
        reached.store(0, ordering: .relaxed)
    }

    /// What was found to end the call; limits are not looked at.
    var stop: Stop? { Stop(rawValue: reached.load(ordering: .relaxed)) }

    /// Looks at the limits: whether the call is to end. Takes some ten nanoseconds.
    func look() -> Bool {
        if reached.load(ordering: .relaxed) != 0 { return true }
        do throws(PlanError) { try limits.check() } catch {
            let stop: Stop = if case .cancelled = error { .cancelled } else { .deadlineExceeded }
            reached.store(stop.rawValue, ordering: .relaxed)
            return true
        }
        return false
    }

    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    func check() throws(PlanError) { if look() { throw stop!.error } }
}

extension CallWatch? {
    /// Calls `body` with the watch as kernels ask it; with nil where there is nothing to watch.
    func withStop<Result>(_ body: (UnsafePointer<orepa_stop>?) -> Result) -> Result {
        guard let self else { return body(nil) }
        let stop = orepa_stop(
            is_reached: { context in
                Unmanaged<CallWatch>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.look() }
            },
            context: Unmanaged.passUnretained(self).toOpaque())
        return withExtendedLifetime(self) { withUnsafePointer(to: stop) { body($0) } }
    }
}
