import Dispatch
import OrepaPlan

/// The same calls for `async` code. They run on threads of their own, as many at a time as there are processors, so none of
/// the threads that Swift runs tasks on waits for them. A task that is cancelled ends its call between two layers. For a
/// process made by `fork` there are only the calls without `async`.
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

    private static let queue = DispatchQueue(label: "orepa", attributes: .concurrent)

    /// Calls `body` on a thread that may wait, with limits that the task's cancellation is part of.
    private func aside<Value: Sendable>(
        _ limits: CallLimits, _ body: @escaping @Sendable (CallLimits) throws(OrepaError) -> Value
    ) async throws(OrepaError) -> Value {
        var limits = limits
        limits.taskCancellation = Cancellation()
        let call = limits
        // Who waits in vain has reached a limit, which the call then says, before it does anything.
        let hasPlace = await CallGate.shared.enter(call)
        defer { if hasPlace { CallGate.shared.leave() } }
        let result: Result<Value, OrepaError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Model.queue.async {
                    continuation.resume(
                        returning: Result { () throws(OrepaError) in try body(call) })
                }
            }
        } onCancel: {
            call.taskCancellation?.cancel()
        }
        return try result.get()
    }
}
