import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

@Suite struct StepDescriptionTests {
    @Test func figuresFollowFromTheShapes() throws {
        let network = try PlanTests.network(seed: 1, width: 48)
        let pool = WorkerPool(threadCount: 1)
        let plan = try Plan(network, height: 128, width: 128, pool: pool)
        let steps = Dictionary(
            uniqueKeysWithValues: plan.stepDescriptions.map { ($0.name, $0) })
        let stem = try #require(steps["stem"])
        #expect(stem.algorithm == "stem")
        // 16 strips of 4 rows; of 7 rows and 7 columns of taps, 13 products of rows by 7.
        #expect(stem.executedMultiplyAccumulates == 16 * (3 * 13 * 7) * 16 * 64)
        #expect(stem.multiplyAccumulates == 3 * 49 * 12 * 64 * 64)
        #expect(stem.input.block == 1 && stem.output.block == 16)
        #expect(stem.input.border == 3 && stem.summand == nil)

        let winograd = try #require(steps["c"])
        #expect(winograd.algorithm == "winograd")
        #expect(winograd.tiles.hasPrefix("4+4+4+4 x 4+4+4+4, "))
        #expect(winograd.executedMultiplyAccumulates == 48 * 48 * 24 * 24)
        #expect(winograd.multiplyAccumulates == 48 * 48 * 9 * 16 * 16)
        // 36 positions of 48 by 48 weights, and the bias.
        #expect(winograd.weightByteCount == 4 * (36 * 48 * 48 + 48))
        // 3 blocks of 16 channels, 16 by 16 pixels with a border of 1, on both sides.
        #expect(winograd.mapByteCount == 2 * 4 * 3 * 16 * 18 * 18)
        #expect(winograd.window?.kernel == 3 && winograd.window?.stride == 1)

        let sum = try #require(steps["sum"])
        #expect(sum.summand?.channels == 48)
        let mean = try #require(steps["mean"])
        #expect(mean.tiles == "" && mean.window == nil && mean.executedMultiplyAccumulates == 0)
        #expect(
            plan.memoryUse(threadCount: 1).packedWeights
                >= plan.stepDescriptions.reduce(0) { $0 + $1.weightByteCount })
    }

    @Test(arguments: [1, 3]) func everyStepIsReportedForEveryPicture(count: Int) throws {
        let plan = try Plan(
            PlanTests.network(seed: 2), height: 32, width: 32, pool: WorkerPool(threadCount: 1))
        let context = try PlanContext(plan, batch: 2, pool: WorkerPool(threadCount: 2))
        var ended: [Int?] = []
        let input = [Float](repeating: 1, count: count * 3 * 32 * 32)
        input.withUnsafeBufferPointer { context.run($0, count: count) { ended.append($0) } }
        #expect(Set(ended) == Set([nil] + plan.stepDescriptions.indices.map { $0 }))
        #expect(ended.first == .some(nil))
    }

    @Test func aMachineDoesSomething() throws {
        for set in InstructionSet.allCases where set <= .best {
            let speed = try MachineSpeed.measure(
                instructionSet: set, pool: WorkerPool(threadCount: 2))
            #expect(speed.multiplyAddsPerSecond > 0 && speed.multiplyAddsPerSecond.isFinite)
            #expect(speed.readBytesPerSecond > 0 && speed.readBytesPerSecond.isFinite)
        }
    }
}
