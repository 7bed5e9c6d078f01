/// What a step does with its maps: one type for each operation, in a file of its own.
protocol StepOperation: Sendable {
    /// For people: such as `winograd`, `direct`, `max pool`.
    var algorithmName: String { get }
    /// Nil for what has no window.
    var window: StepDescription.Window? { get }
    /// What is added to the result.
    var summand: Plan.Value? { get }

    /// Of one picture: what ``PlanBlueprint/multiplyAdds`` counts.
    ///
    /// - Parameter input: The map that the step reads.
    func executedMultiplyAdds(input: Plan.Value) -> Int

    func run(_ call: StepCall)
}

extension StepOperation {
    var window: StepDescription.Window? { nil }
    var summand: Plan.Value? { nil }
}
