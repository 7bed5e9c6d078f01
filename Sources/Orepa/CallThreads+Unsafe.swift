import CLinuxThreads
import Glibc
import OrepaPlan
import OrepaSystem
import OrepaThreads
import Synchronization

/// The threads that `async` calls run on. They are the library's own, so that none of those that Swift runs tasks on is
/// kept from the host's; there are at most as many as processors, since more would only take more memory and time from
/// the host. The other calls wait without a thread, in the order in which they came, until it is their turn, their deadline
/// passes or they are cancelled.
///
/// Threads start when they are needed and end when there has been nothing to do for some seconds.
package final class CallThreads: Sendable {
    private struct Call {
        let limits: CallLimits
        /// Runs it, or ends it since a limit is reached.
        let end: @Sendable (_ runs: Bool) -> Void

        /// Whether something else than its turn may end the wait.
        var isLimited: Bool { limits.deadline != nil || limits.cancellation != nil }
    }

    private struct State {
        var nextNumber: UInt64 = 0
        /// Calls that no thread has taken, by number.
        var waiting: [UInt64: Call] = [:]
        /// Their numbers in the order in which they came, from `first` on, with those of calls that are gone.
        var order: [UInt64] = []
        var first = 0
        var threadCount = 0
        /// Threads that wait for a call.
        var idleCount = 0
        /// Whether there is a thread that looks after the calls that wait, and until when it sleeps.
        var isWatched = false
        var watchWakes: ContinuousClock.Instant?

        mutating func add(_ number: UInt64, _ call: Call) {
            waiting[number] = call
            order.append(number)
        }

        mutating func take() -> Call? {
            while first < order.count {
                let number = order[first]
                first += 1
                if first > 1024, first > order.count / 2 {
                    order.removeFirst(first)
                    first = 0
                }
                if let call = waiting.removeValue(forKey: number) { return call }
            }
            order.removeAll()
            first = 0
            return nil
        }
    }

    private let state = Mutex(State())
    private let most: Int
    /// Counts the calls that came.
    private let bell = Futex()

    private static let patience = 5

    /// As many as there are processors.
    static let shared = CallThreads(count: availableProcessorCount())

    /// At most `count` threads, at least 1. They are there for as long as the process is.
    package init(count: Int) { most = max(count, 1) }

    deinit { bell.deallocate() }

    /// Runs `body` on one of the threads.
    ///
    /// - Parameters:
    ///   - limits: When to end early. The task's cancellation, which is added, is one of them.
    ///   - refused: Is called when the system refuses every thread; the call then runs on the task's.
    /// - Throws: What `body` throws; ``OrepaError/Code/cancelled`` or ``OrepaError/Code/deadlineExceeded`` at once when the
    ///   call waits, and without running `body`.
    package func run<Value: Sendable>(
        _ limits: CallLimits, refused: @Sendable () -> Void = {},
        _ body: @escaping @Sendable (CallLimits) throws(OrepaError) -> Value
    ) async throws(OrepaError) -> Value {
        do throws(MemoryRefusal) { try SystemMemory.check() } catch { throw OrepaError(error) }
        var limits = limits
        let taskCancellation = Cancellation()
        limits.otherCancellations.append(taskCancellation)
        let call = limits
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let result: Result<Value, OrepaError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                add(
                    number,
                    Call(limits: call) { runs in
                        continuation.resume(
                            returning: Result { () throws(OrepaError) in
                                if let stop = call.stop { throw OrepaError(stop) }
                                guard runs else { throw OrepaError(CallStop.cancelled) }
                                return try body(call)
                            })
                    }, refused)
            }
        } onCancel: {
            taskCancellation.cancel()
            giveUp(number)
        }
        return try result.get()
    }

    private func add(_ number: UInt64, _ call: Call, _ refused: () -> Void) {
        let (starts, watches) = state.withLock { state in
            state.add(number, call)
            let starts = state.idleCount < state.waiting.count && state.threadCount < most
            if starts { state.threadCount += 1 }
            let waits = state.waiting.count > state.idleCount + (starts ? 1 : 0)
            let watches = waits && call.isLimited && !state.isWatched
            if watches { state.isWatched = true }
            if waits, let deadline = call.limits.deadline, state.isWatched, !watches,
                state.watchWakes.map({ deadline < $0 }) ?? true
            {
                orepa_bell_ring()
            }
            return (starts, watches)
        }
        bell.add(1)
        bell.wakeOne()
        // Whoever cancelled before the call was among those that wait has not found it there.
        if call.limits.areReached { giveUp(number) }
        if watches, !start({ $0.watch() }) { poll() }
        if starts, !start({ $0.work() }) {
            let isAlone = state.withLock { state in
                state.threadCount -= 1
                return state.threadCount == 0
            }
            guard isAlone else { return }
            refused()
            // Others may wait for the thread too.
            while let call = state.withLock({ $0.threadCount == 0 ? $0.take() : nil }) {
                call.end(true)
            }
        }
    }

    /// Ends a call if it still waits.
    private func giveUp(_ number: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.end(false)
    }

    // MARK: What the threads do

    private func work() {
        var idleSince: ContinuousClock.Instant?
        while true {
            let tone = bell.value
            if let call = state.withLock({ $0.take() }) {
                call.end(true)
                idleSince = nil
                continue
            }
            let now = ContinuousClock.now
            let isOver = now - (idleSince ?? now) >= .seconds(CallThreads.patience)
            let ends = state.withLock { state in
                guard state.waiting.isEmpty else { return false }
                if isOver { state.threadCount -= 1 } else { state.idleCount += 1 }
                return isOver
            }
            if ends { return }
            idleSince = idleSince ?? now
            bell.wait(while: tone, nanoseconds: Int64(CallThreads.patience) * 1_000_000_000)
            state.withLock { $0.idleCount -= 1 }
        }
    }

    /// Ends calls that wait when their limits are reached.
    private func watch() {
        var idleSince: ContinuousClock.Instant?
        while true {
            let heard = orepa_bell_count()
            endReached()
            let now = ContinuousClock.now
            let isOver = now - (idleSince ?? now) >= .seconds(CallThreads.patience)
            let (ends, wakes) = state.withLock { state in
                guard state.waiting.isEmpty, isOver else { return (false, state.watchWakes) }
                state.isWatched = false
                state.watchWakes = nil
                return (true, nil)
            }
            if ends { return }
            idleSince = wakes == nil ? (idleSince ?? now) : nil
            let longest = Duration.seconds(CallThreads.patience)
            let rest = min(max(wakes.map { $0 - now } ?? longest, .zero), longest)
            let (seconds, attoseconds) = rest.components
            orepa_bell_wait(heard, seconds * 1_000_000_000 + attoseconds / 1_000_000_000 + 1)
        }
    }

    /// Ends the calls that wait and have reached a limit, and notes when the next one will.
    private func endReached() {
        let reached = state.withLock { state in
            var numbers: [UInt64] = []
            var next: ContinuousClock.Instant?
            for (number, call) in state.waiting {
                if call.limits.areReached {
                    numbers.append(number)
                } else if let deadline = call.limits.deadline {
                    next = min(next ?? deadline, deadline)
                }
            }
            state.watchWakes = next
            return numbers.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for call in reached { call.end(false) }
    }

    /// Does the same as ``watch()`` in a task, where the system refuses a thread.
    private func poll() {
        Task {
            while !state.withLock({ $0.waiting.isEmpty }) {
                endReached()
                try? await Task.sleep(for: .milliseconds(5))
            }
            state.withLock { $0.isWatched = false }
        }
    }

    /// Starts a thread that nobody waits for. False when the system refuses it.
    private func start(_ body: @escaping @Sendable (CallThreads) -> Void) -> Bool {
        guard let thread = SystemThread.start({ body(self) }) else { return false }
        pthread_detach(thread)
        return true
    }
}
