import OrepaPlan
import OrepaThreads

/// The same calls for `async` code. They run on threads of the library's own, as many at a time as there are processors, so
/// none of the threads that Swift runs tasks on waits for them. A call that waits for its turn ends at once when its task is
/// cancelled, its `Cancellation` is set or its deadline passes; one that runs ends some milliseconds later. For a process made by
/// `fork` there are only the calls without `async`.
extension Model {
    /// As the call of the same name without `async`.
    public func run(
        _ pictures: [Picture], outputs: Outputs = .logits, limits: CallLimits = CallLimits()
    ) async throws(OrepaError) -> [Result<Answer, OrepaError>] {
        try await aside(limits) { (limits) throws(OrepaError) in
            try self.run(pictures, outputs: outputs, limits: limits)
        }
    }

    /// As the call of the same name without `async`.
    public func run(
        _ picture: Picture, outputs: Outputs = .logits, limits: CallLimits = CallLimits()
    ) async throws(OrepaError) -> Answer {
        try await aside(limits) { (limits) throws(OrepaError) in
            try self.run(picture, outputs: outputs, limits: limits)
        }
    }

    /// As the call of the same name without `async`.
    public func classify(
        _ picture: Picture, topK: Int = 5, limits: CallLimits = CallLimits()
    ) async throws(OrepaError) -> [Prediction] {
        try await aside(limits) { (limits) throws(OrepaError) in
            try self.classify(picture, topK: topK, limits: limits)
        }
    }

    /// Calls `body` on a thread that may wait, with limits that the task's cancellation is part of.
    private func aside<Value: Sendable>(
        _ limits: CallLimits, _ body: @escaping @Sendable (CallLimits) throws(OrepaError) -> Value
    ) async throws(OrepaError) -> Value {
        try await CallThreads.shared.run(limits, refused: tellThatThreadsWereRefused, body)
    }

    @Sendable private func tellThatThreadsWereRefused() {
        log?(
            LogMessage(
                level: .warning,
                text:
                    "\(path): expected a thread for an async call, the system refused it; the call "
                    + "runs on the task's"))
    }
}
