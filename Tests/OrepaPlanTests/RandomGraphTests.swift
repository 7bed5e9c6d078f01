import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// Random legal networks of odd shapes, which the tests of single layers leave out.
@Suite struct RandomGraphTests {
    @Test(arguments: 0..<150) func everyLayerIsWhatItsDefinitionSays(seed: Int) throws {
        let choice = try GraphBytes.choice(GraphBytes.random(UInt64(seed)))
        let (network, classCount) = (choice.network, choice.network.graph.classCount)
        let pool = WorkerPool(threadCount: choice.threadCount)
        var expected: PerNumerics<[UInt32]>?
        for set in InstructionSet.allCases where set <= .best {
            func logits(_ numerics: Numerics) throws -> [UInt32] {
                let plan = try Plan(
                    network, height: choice.height, width: choice.width, numerics: numerics,
                    instructionSet: set, memory: seed % 2 == 0 ? .fast : .small, pool: pool)
                let context = try PlanContext(plan, batch: choice.pictureCount, pool: pool)
                let (logits, maps) = try RandomGraphTests.run(context, choice)
                if numerics == .strict, set == .best {
                    try RandomGraphTests.check(maps, of: choice, plan.featureMaps)
                }
                return logits.map(\.bitPattern)
            }
            let found = PerNumerics(fast: try logits(.fast), strict: try logits(.strict))
            #expect(found.fast.count == choice.pictureCount * classCount)
            // The same bits from each instruction set.
            #expect(expected == nil || expected == found)
            expected = found
        }
    }

    /// Holds each layer of the first and the last picture against its definition.
    private static func check(
        _ maps: [[Float]], of choice: GraphBytes.Choice,
        _ places: [(step: Int, name: String, shape: Shape)]
    ) throws {
        for picture in Set([0, choice.pictureCount - 1]) {
            func slice(_ values: [Float]) -> [Float] {
                let size = values.count / choice.pictureCount
                return Array(values[picture * size..<(picture + 1) * size])
            }
            var found = ["input": slice(choice.pictures)]
            for (values, place) in zip(maps, places) { found[place.name] = slice(values) }
            let naive = try NaiveNetwork(
                choice.network, height: choice.height, width: choice.width, found: found)
            #expect(naive.firstMistake() == nil)
        }
    }

    /// Logits, and the map of each step.
    private static func run(
        _ context: PlanContext, _ choice: GraphBytes.Choice
    ) throws -> (logits: [Float], maps: [[Float]]) {
        let places = context.plan.featureMaps
        let buffers = places.map { place in
            UnsafeMutableBufferPointer<Float>.allocate(
                capacity: choice.pictureCount * place.shape.elementCount)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        var logits = [Float](
            repeating: 0, count: choice.pictureCount * context.plan.graph.classCount)
        try choice.pictures.withUnsafeBufferPointer { pictures in
            try logits.withUnsafeMutableBufferPointer { logits in
                try context.run(
                    pictures, count: choice.pictureCount, logits: logits,
                    maps: zip(places, buffers).map { FeatureMapOutput(step: $0.step, buffer: $1) },
                    limits: CallLimits())
            }
        }
        return (logits, buffers.map { Array($0) })
    }
}
