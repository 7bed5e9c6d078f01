import Glibc
import Orepa
import OrepaNetwork
import OrepaPlan
import Synchronization

/// An `async` host that keeps four times as many batches in flight as there are processors, and what it notices of that:
/// how late its tasks wake, and how late calls with limits end.
struct AsyncProbe {
    private let model: Model
    private let pictures: [Picture]

    init(modelPath: String) throws {
        var options = Model.Options()
        options.inputSize = (448, 448)
        model = try Model(path: modelPath, options: options)
        let values = [Float](repeating: 0.25, count: model.inputShape.elementCount)
        pictures = [Picture](repeating: .tensor(values), count: 8)
    }

    func run() async throws {
        let shared = Shared()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 * availableProcessorCount() {
                group.addTask {
                    while !shared.isOver.load(ordering: .relaxed) {
                        // Cancelled at the end.
                        guard (try? await model.run(pictures)) != nil else { return }
                        shared.calls.add(1, ordering: .relaxed)
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            var lateness: [Double] = []
            for _ in 0..<300 {
                let start = ContinuousClock.now
                try await Task.sleep(for: .milliseconds(5))
                lateness.append(AsyncProbe.milliseconds(since: start) - 5)
            }
            lateness.sort()
            print("sleep_late_p50 \(lateness[lateness.count / 2])")
            print("sleep_late_p99 \(lateness[lateness.count * 99 / 100])")
            print("sleep_late_most \(lateness[lateness.count - 1])")
            print("deadline_late \(try await deadlineLateness())")
            print("task_late \(try await taskLateness())")
            print("cancellation_late \(try await cancellationLateness())")
            shared.isOver.store(true, ordering: .relaxed)
            group.cancelAll()
            try await group.waitForAll()
        }
        print("calls \(shared.calls.load(ordering: .relaxed))")
    }

    private final class Shared: Sendable {
        let isOver = Atomic<Bool>(false)
        let calls = Atomic<Int>(0)
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }

    /// How much later than its deadline in 50 ms a call ends, the latest of some.
    private func deadlineLateness() async throws -> Double {
        var most = 0.0
        for _ in 0..<5 {
            let start = ContinuousClock.now
            let limits = CallLimits(deadline: start + .milliseconds(50))
            try await expect(.deadlineExceeded) {
                _ = try await model.run(pictures, limits: limits)
            }
            most = max(most, AsyncProbe.milliseconds(since: start) - 50)
        }
        return most
    }

    private func taskLateness() async throws -> Double {
        var most = 0.0
        for _ in 0..<5 {
            let task = Task { _ = try await model.run(pictures) }
            try await Task.sleep(for: .milliseconds(20))
            let start = ContinuousClock.now
            task.cancel()
            try await expect(.cancelled) { try await task.value }
            most = max(most, AsyncProbe.milliseconds(since: start))
        }
        return most
    }

    private func cancellationLateness() async throws -> Double {
        var most = 0.0
        for _ in 0..<5 {
            let cancellation = Cancellation()
            let task = Task {
                _ = try await model.run(pictures, limits: CallLimits(cancellation: cancellation))
            }
            try await Task.sleep(for: .milliseconds(20))
            let start = ContinuousClock.now
            cancellation.cancel()
            try await expect(.cancelled) { try await task.value }
            most = max(most, AsyncProbe.milliseconds(since: start))
        }
        return most
    }

    private func expect(_ code: OrepaError.Code, _ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as OrepaError where error.code == code { return }
        print("expected \(code)")
        exit(1)
    }
}
