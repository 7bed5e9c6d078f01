/// Asks whether to stop after so much work that asking costs nothing beside it.
struct InterruptionPace {
    /// Whether the answer was yes.
    private(set) var hasEnded = false
    private var work = 0

    /// Steps of a nanosecond or less between two questions.
    private static let interval = 1 << 18

    /// - Parameter steps: What was done since, or will be done next.
    mutating func isInterrupted(after steps: Int, _ isInterrupted: () -> Bool) -> Bool {
        work += steps
        guard work >= Self.interval else { return false }
        work = 0
        hasEnded = isInterrupted()
        return hasEnded
    }

    /// - Throws: ``ImageError/interrupted`` where the answer is yes.
    mutating func check(after steps: Int, _ isInterrupted: () -> Bool) throws(ImageError) {
        if self.isInterrupted(after: steps, isInterrupted) { throw .interrupted }
    }
}
