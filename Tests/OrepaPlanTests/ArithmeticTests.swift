import CHostCalls
import Glibc
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// The library neither changes how its host's threads calculate nor lets that change its results.
@Suite struct ArithmeticTests {
    /// Runs `body` with denormal numbers as zeros and rounding up, and checks that it leaves that as it was.
    private func withUnusualArithmetic<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = orepa_host_arithmetic()
        orepa_host_set_arithmetic(orepa_host_unusual_arithmetic())
        let control = orepa_host_arithmetic()
        defer { orepa_host_set_arithmetic(before) }
        let result = try body()
        let after = orepa_host_arithmetic()
        // The flags of exceptions that the test's own arithmetic may raise are the low six bits.
        #expect(after | 0x3f == control | 0x3f)
        return result
    }

    @Test func theHostsSettingsStayAndChangeNoBit() throws {
        let network = try PlanTests.network(seed: 21)
        var random = SeededRandom(22)
        // So small that products are denormal: flushing them would change the logits.
        let pictures = [Float](random.floats(3 * 32 * 32).map { $0 * 1e-37 })
        for threads in [1, 2, 3] {
            let pool = WorkerPool(threadCount: threads)
            let plan = try Plan(network, height: 32, width: 32, pool: pool)
            let context = try PlanContext(plan, pool: pool)
            var logits = [Float](repeating: 0, count: 7)
            func run(_ logits: inout [Float]) -> (before: UInt64, after: UInt64) {
                pictures.withUnsafeBufferPointer { input in
                    logits.withUnsafeMutableBufferPointer { logits in
                        let before = orepa_host_arithmetic()
                        context.run(input, count: 1, logits: logits)
                        return (before, orepa_host_arithmetic())
                    }
                }
            }
            let usual = run(&logits)
            #expect(usual.before == usual.after)
            let expected = logits.map(\.bitPattern)
            // Also by workers that an unusual thread starts.
            let (found, controls) = try withUnusualArithmetic {
                let pool = WorkerPool(threadCount: threads)
                let unusual = try PlanContext(
                    Plan(network, height: 32, width: 32, pool: pool), pool: pool)
                let controls = run(&logits)
                return ([logits, unusual.run(pictures, count: 1)], controls)
            }
            #expect(controls.before == controls.after)
            for logits in found { #expect(logits.map(\.bitPattern) == expected) }
        }
    }

    @Test func settingsStayOnEveryCallingThread() async throws {
        let pool = WorkerPool(threadCount: 2)
        let network = try PlanTests.network(seed: 23)
        let plan = try Plan(network, height: 32, width: 32, pool: pool)
        var random = SeededRandom(24)
        let picture = random.floats(3 * 32 * 32)
        let expected = try PlanContext(plan, pool: pool).run(picture, count: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let context = try PlanContext(plan, pool: pool)
                    for _ in 0..<10 {
                        let found = self.withUnusualArithmetic { context.run(picture, count: 1) }
                        #expect(found == expected)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
