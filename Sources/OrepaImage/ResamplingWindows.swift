import OrepaSystem

/// The weights of one pass of an antialiased resize: which source samples a target sample is the weighted sum of.
///
/// As Pillow's `Resample.c`: with `scale = sourceCount / targetCount`, `stretch = max(1, scale)` and
/// `support = filter.support * stretch`, target `i` has its centre at `(i + 0.5) * scale` and takes the samples from
/// `Int(centre - support + 0.5)` up to but not including `Int(centre + support + 0.5)`, both clamped to the source;
/// sample `j` weighs what the filter gives for `(j - centre + 0.5) / stretch`, divided by the sum of the weights, all in
/// Float64, then rounded, half away from zero, to fixed point with 22 bits after the point.
struct ResamplingWindows {
    /// Bits after the point: 32, less 8 for the sample and 2 for the sum.
    static let precision: Int32 = 32 - 8 - 2

    struct Window {
        /// First source sample.
        var start: Int
        /// Number of source samples, and of weights.
        var count: Int
        /// Index of the first weight in ``weights``.
        var weight: Int
    }

    /// Source and target are the same, weight 1: the pass can be left out.
    let isIdentity: Bool
    /// One for each target asked for.
    let windows: [Window]
    /// The weights of all windows.
    let weights: [Int32]
    /// The source samples that the windows need, from the first to the last.
    let sources: Range<Int>

    /// Memory that the windows of `targets` take at most, in bytes; `Int.max` if more than that.
    static func byteCount(
        sourceCount: Int, targetCount: Int, targets: Range<Int>, filter: ResamplingFilter
    ) -> Int {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let support = filter.support * max(1, Double(sourceCount) / Double(targetCount))
        let windowBytes = (2 * Int(support.rounded(.up)) + 1) * MemoryLayout<Int32>.stride
        let (bytes, overflow) = targets.count.multipliedReportingOverflow(
            by: MemoryLayout<Window>.stride + windowBytes)
        return overflow ? .max : bytes
    }

    /// The windows of `targets`, a part of `0..<targetCount`. Costs about
    /// `targets.count * (2 * support + 1)` evaluations of the filter.
    init(sourceCount: Int, targetCount: Int, targets: Range<Int>, filter: ResamplingFilter) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        isIdentity = sourceCount == targetCount && targets == 0..<targetCount
        let scale = Double(sourceCount) / Double(targetCount)
        let stretch = max(1, scale)
        let support = filter.support * stretch
        let inverseStretch = 1 / stretch
        var windows: [Window] = []
        var weights: [Int32] = []
        var values: [Double] = []
        // Memory: checked by the limits.
        windows.reserveCapacity(targets.count)
        for target in targets {
            let center = (Double(target) + 0.5) * scale
            let start = max(0, Int(center - support + 0.5))
            let end = min(sourceCount, Int(center + support + 0.5))
            values.removeAll(keepingCapacity: true)
            var sum = 0.0
            for source in start..<max(start, end) {
                let value = filter.weight(
                    at: (Double(source) - center + 0.5) * inverseStretch)
                values.append(value)
                sum += value
            }
            windows.append(Window(start: start, count: values.count, weight: weights.count))
            for value in values {
                let normalized = sum != 0 ? value / sum : value
                let scaled = normalized * Double(1 << Self.precision)
                weights.append(Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
            }
        }
        self.windows = windows
        self.weights = weights
        let lower = windows.map(\.start).min() ?? 0
        let upper = windows.map { $0.start + $0.count }.max() ?? 0
        sources = lower..<max(lower, upper)
    }
}
