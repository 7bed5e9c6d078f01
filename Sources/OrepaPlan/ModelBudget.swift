import OrepaNetwork

/// What a model may cost at most, looked at before any memory that its file asks for is taken and before it is run.
///
/// A file of a kilobyte can describe a network that computes for hours, or that takes all memory there is.
public struct ModelBudget: Sendable, Hashable {
    /// Multiply-adds of one picture, as the kernels do them: with the channels that fill up blocks of 16, and one for each
    /// value that a pool or an addition reads.
    public var maximumMultiplyAdds: Int
    /// Bytes of the weights as the kernels read them, of the feature maps and of what the kernels work in, together, for
    /// one call; of a model's file that is read into memory; and of a call's answers.
    public var maximumMemory: Int

    public init(maximumMultiplyAdds: Int, maximumMemory: Int) {
        self.maximumMultiplyAdds = maximumMultiplyAdds
        self.maximumMemory = maximumMemory
    }

    /// 10^12 multiply-adds, 35 times those of RepVGG-B3 on 224x224 pixels, and 8 GiB.
    public static let `default` = ModelBudget(
        maximumMultiplyAdds: 1_000_000_000_000, maximumMemory: 8 << 30)

    /// - Throws: ``PlanError/overBudget(_:most:found:)``.
    package func check(_ blueprint: PlanBlueprint, memory: PlanMemoryUse) throws(PlanError) {
        try check(.multiplyAdds, maximumMultiplyAdds, found: blueprint.multiplyAdds)
        try check(.memory, maximumMemory, found: memory.total)
    }

    private func check(
        _ quantity: PlanError.BudgetedQuantity, _ most: Int, found: Int
    ) throws(PlanError) {
        guard found <= most else { throw .overBudget(quantity, most: most, found: found) }
    }

    /// Checks the bytes of `count` answers of `valueCount` Float32 values each.
    ///
    /// - Throws: ``PlanError/overBudget(_:most:found:)``.
    package func checkAnswers(count: Int, valueCount: Int) throws(PlanError) {
        let size = MemoryLayout<Float>.size
        let bytes = Int.saturatingProduct(count, Int.saturatingProduct(valueCount, size))
        try check(.answers, maximumMemory, found: bytes)
    }
}

extension Int {
    /// The product of two numbers from 0 on, or the largest number where it is larger.
    static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? .max : product
    }

    /// The sum of two numbers from 0 on, or the largest number where it is larger.
    static func saturatingSum(_ a: Int, _ b: Int) -> Int {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }
}
