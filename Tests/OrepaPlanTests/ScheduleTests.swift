import Foundation
import OrepaPlan
import OrepaThreads
import Synchronization
import TestSupport
import Testing

/// What is chosen is chosen once; how it is cut for a size is made once for each, by whichever thread asks first.
@Suite struct ScheduleTests {
    @Test func contextsOfAllSizesAreMadeAtATime() throws {
        let pool = WorkerPool(threadCount: 2)
        let plan = try Plan(PlanTests.network(seed: 31), height: 32, width: 32, pool: pool)
        let single = try PlanContext(
            Plan(PlanTests.network(seed: 31), height: 32, width: 32, pool: pool), pool: pool)
        var random = SeededRandom(32)
        let pictures = (0..<6).map { _ in [Float](random.floats(3 * 32 * 32)) }
        let expected = pictures.map { single.run($0, count: 1).map(\.bitPattern) }
        let same = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 48) { turn in
            let count = 1 + turn % 6
            let ownPool = WorkerPool(threadCount: 1 + turn / 6 % 4)
            guard let context = try? PlanContext(plan, batch: count, pool: ownPool) else { return }
            let logits = context.run(Array(pictures[..<count].joined()), count: count)
            if logits.map(\.bitPattern) == Array(expected[..<count].joined()) {
                same.withLock { $0 += 1 }
            }
        }
        #expect(same.withLock { $0 } == 48)
    }

    /// Questions about more sizes than are kept get the answers that a plan gives which was asked for nothing else.
    @Test func sizesBeyondThoseKeptAreAnswered() throws {
        let pool = WorkerPool(threadCount: 1)
        func sizes(_ plan: Plan) -> [Int] {
            (1...60).map { plan.contextByteCount(threadCount: $0, batch: 1 + $0 % 9) }
        }
        let plan = try Plan(PlanTests.network(seed: 33), height: 32, width: 32, pool: pool)
        let first = sizes(plan)
        #expect(sizes(plan) == first)
        for threads in [60, 31, 1] {
            let fresh = try Plan(PlanTests.network(seed: 33), height: 32, width: 32, pool: pool)
            #expect(
                fresh.contextByteCount(threadCount: threads, batch: 1 + threads % 9)
                    == first[threads - 1])
        }
    }
}
