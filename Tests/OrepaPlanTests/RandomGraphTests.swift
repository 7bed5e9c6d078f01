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
                // The same pictures, laid out beforehand, behind one that is not run.
                #expect(try RandomGraphTests.runLaidOut(context, choice) == [logits] + maps)
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

    /// Logits, then the map of each step, of pictures that lie where the first layers read them.
    private static func runLaidOut(
        _ context: PlanContext, _ choice: GraphBytes.Choice
    ) throws -> [[Float]] {
        let places = context.plan.featureMaps
        let count = choice.pictureCount
        let input = try PlanInput(context.plan, capacity: count + 1)
        let size = choice.pictures.count / count
        try choice.pictures.withUnsafeBufferPointer { pictures in
            for index in 0..<count {
                try input.copy(
                    UnsafeBufferPointer(rebasing: pictures[index * size..<(index + 1) * size]),
                    to: index + 1)
            }
        }
        let sizes = [context.plan.graph.classCount] + places.map(\.shape.elementCount)
        let buffers = sizes.map {
            UnsafeMutableBufferPointer<Float>.allocate(capacity: count * $0)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        // Twice: the input is as it was.
        for _ in 0..<2 {
            for buffer in buffers { buffer.initialize(repeating: .nan) }
            try context.run(
                input, places: 1..<count + 1, logits: buffers[0],
                maps: zip(places, buffers.dropFirst()).map {
                    FeatureMapOutput(step: $0.step, buffer: $1)
                }, limits: CallLimits())
        }
        return buffers.map { Array($0) }
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
