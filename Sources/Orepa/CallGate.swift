import Dispatch
import OrepaPlan
import Synchronization

/// Lets a limited number of `async` calls run at a time; the others wait without a thread, in the order in which they
/// came, until it is their turn, their deadline passes or their task is cancelled.
package final class CallGate: Sendable {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var nextNumber: UInt64 = 0
        var waiting: [Waiter] = []
    }

    private let state: Mutex<State>

    /// As many as there are processors: more would only take more memory.
    static let shared = CallGate(count: availableProcessorCount())

    package init(count: Int) { state = Mutex(State(free: count)) }

    /// Waits for a place.
    ///
    /// - Returns: Whether there is one, which ``leave()`` gives back: false when the limits end the call.
    package func enter(_ limits: CallLimits) async -> Bool {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(Waiter(number: number, continuation: continuation), limits)
            }
        } onCancel: {
            limits.taskCancellation?.cancel()
            giveUp(number)
        }
    }

    private func wait(_ waiter: Waiter, _ limits: CallLimits) {
        let answer = state.withLock { state -> Bool? in
            // Looked at with the lock held: who cancels later finds the waiter in the list.
            if limits.taskCancellation?.isCancelled == true { return false }
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiting.append(waiter)
            return nil
        }
        if let answer { return waiter.continuation.resume(returning: answer) }
        guard let deadline = limits.deadline else { return }
        let (seconds, attoseconds) = (deadline - .now).components
        let rest = Double(seconds) + Double(attoseconds) * 1e-18
        DispatchQueue.global().asyncAfter(deadline: .now() + max(rest, 0)) { [self] in
            giveUp(waiter.number)
        }
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else {
                return nil
            }
            return state.waiting.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }

    package func leave() {
        let next = state.withLock { state -> Waiter? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}
