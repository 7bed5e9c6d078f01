/// Order statistics of a series of times.
struct TimeStatistics {
    private let sorted: [Double]

    init(_ times: [Double]) { sorted = times.sorted() }

    var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }
    var median: Double { percentile(50) }
    var minimum: Double { rank(0) }

    /// Ends of the median's 95 % interval: the ranks n / 2 ∓ 0.98 √n, from the binomial distribution.
    var medianLow: Double {
        rank(Double(sorted.count) / 2 - 0.98 * Double(sorted.count).squareRoot())
    }
    var medianHigh: Double {
        rank(Double(sorted.count) / 2 + 0.98 * Double(sorted.count).squareRoot())
    }

    /// The smallest time that at least `percent` % of all do not exceed.
    func percentile(_ percent: Double) -> Double {
        rank((Double(sorted.count) * percent / 100).rounded(.up) - 1)
    }

    private func rank(_ rank: Double) -> Double {
        sorted.isEmpty ? .nan : sorted[min(max(Int(rank.rounded()), 0), sorted.count - 1)]
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}
