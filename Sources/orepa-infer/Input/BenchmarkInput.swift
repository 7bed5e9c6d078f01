/// The benchmark's input: values evenly spread over -2 to 2, always the same.
enum BenchmarkInput {
    static func values(count: Int) -> [Float] {
        var state: UInt32 = 1
        return (0..<count).map { _ in
            // The multiplier and increment of Numerical Recipes' quick generator.
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / Float(1 << 22) - 2
        }
    }
}
