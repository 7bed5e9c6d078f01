import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

@Suite struct PlanTests {
    /// A small residual network with every operation: stem, pool, a block with shortcut, a grouped one.
    static func network(seed: UInt64, width: Int = 20) throws -> Network {
        func convolution(
            _ name: String, _ input: Int, _ output: Int, _ kernel: Int, stride: Int = 1,
            groups: Int = 1,
            activation: Activation = .relu
        ) -> Operation {
            .convolution(
                Convolution(
                    parameters: name, inputChannels: input, outputChannels: output, kernel: kernel,
                    stride: stride, padding: kernel / 2, groups: groups,
                    activation: activation))
        }
        let graph = try Graph(
            inputChannels: 3,
            nodes: [
                Node(
                    name: "stem", operation: convolution("stem", 3, 12, 7, stride: 2),
                    inputs: ["input"]),
                Node(
                    name: "pool", operation: .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)),
                    inputs: ["stem"]),
                Node(
                    name: "a", operation: convolution("a", 12, width, 3, stride: 2),
                    inputs: ["pool"]),
                Node(name: "c", operation: convolution("c", width, width, 3), inputs: ["a"]),
                Node(
                    name: "b",
                    operation: convolution("b", width, width, 3, groups: 4, activation: .identity),
                    inputs: ["c"]),
                Node(
                    name: "s",
                    operation: convolution("s", 12, width, 1, stride: 2, activation: .identity),
                    inputs: ["pool"]),
                Node(name: "sum", operation: .add(.relu), inputs: ["b", "s"]),
                Node(name: "mean", operation: .globalAveragePool, inputs: ["sum"]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: width, outputFeatures: 7)),
                    inputs: ["mean"]),
            ])
        var random = SeededRandom(seed)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[name] = Tensor(shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        return try Network(graph: graph, tensors: tensors)
    }

    @Test(arguments: [(32, 32), (33, 47), (1, 1), (64, 5)]) func runsAnySize(
        height: Int, width: Int
    ) throws {
        let network = try PlanTests.network(seed: 1)
        var random = SeededRandom(2)
        let input = random.floats(3 * height * width)
        let context = try context(network, height: height, width: width)
        let logits = context.run(input, count: 1)
        let expected = try evaluate(network, input: input, height: height, width: width)
        let largest = expected.map(abs).max()!
        for (found, wanted) in zip(logits, expected) {
            #expect(abs(Double(found) - wanted) <= 1e-5 * largest)
        }
    }

    @Test func sameBitsForAnyThreadCountAndPlaceInTheBatch() throws {
        let network = try PlanTests.network(seed: 3)
        var random = SeededRandom(4)
        let pictures = random.floats(5 * 3 * 40 * 36)
        let plan = try Plan(network, height: 40, width: 36, pool: WorkerPool(threadCount: 2))
        let expected = try PlanContext(plan, pool: WorkerPool(threadCount: 1)).run(
            pictures, count: 5)
        for threads in 1...5 {
            let context = try PlanContext(plan, pool: WorkerPool(threadCount: threads))
            #expect(context.run(pictures, count: 5).map(\.bitPattern) == expected.map(\.bitPattern))
            for index in 0..<5 {
                let picture = Array(pictures[index * 3 * 40 * 36..<(index + 1) * 3 * 40 * 36])
                #expect(
                    context.run(picture, count: 1) == Array(expected[index * 7..<(index + 1) * 7]))
            }
        }
    }

    @Test(arguments: Numerics.allCases) func sameBitsForEveryInstructionSet(
        numerics: Numerics
    ) throws {
        let network = try PlanTests.network(seed: 11, width: 24)
        var random = SeededRandom(12)
        let picture = random.floats(3 * 61 * 46)
        let pool = WorkerPool(threadCount: 2)
        var bits: [[UInt32]] = []
        for set in InstructionSet.allCases where set <= .best {
            for memory in PlanMemory.allCases {
                let plan = try Plan(
                    network, height: 61, width: 46, numerics: numerics, instructionSet: set,
                    memory: memory, pool: pool)
                let context = try PlanContext(plan, pool: pool)
                for _ in 0..<2 {
                    bits.append(context.run(picture, count: 1).map(\.bitPattern))
                }
            }
        }
        for others in bits.dropFirst() { #expect(others == bits[0]) }
    }

    @Test(arguments: Numerics.allCases, PlanMemory.allCases) func sameBitsForEveryBatch(
        numerics: Numerics, memory: PlanMemory
    ) throws {
        let network = try PlanTests.network(seed: 15, width: 32)
        let (height, width, count) = (56, 47, 11)
        let size = 3 * height * width
        var random = SeededRandom(16)
        let pictures = random.floats(count * size)
        for threads in 1...3 {
            let pool = WorkerPool(threadCount: threads)
            let plan = try Plan(
                network, height: height, width: width, numerics: numerics, memory: memory,
                pool: pool)
            let single = try PlanContext(plan, pool: pool)
            let expected = (0..<count).flatMap {
                single.run(Array(pictures[$0 * size..<($0 + 1) * size]), count: 1)
            }
            for batch in [2, 3, 4, 100] {
                let context = try PlanContext(plan, batch: batch, pool: pool)
                // Each thread its own, one or two, if there are enough.
                let isSeparate = memory != .small && batch >= threads
                #expect(
                    context.picturesTogether
                        == (isSeparate ? threads * min(batch / threads, 2) : min(batch, 4)))
                try PlanTests.expectSameMaps(context, single, pictures, count: count)
                // Twice, so that what one run leaves behind meets the next.
                for _ in 0..<2 {
                    #expect(
                        context.run(pictures, count: count).map(\.bitPattern)
                            == expected.map(\.bitPattern))
                }
            }
        }
    }

    /// Of a step in the middle, for each picture as alone; and nothing when the call is cancelled before it begins.
    private static func expectSameMaps(
        _ context: PlanContext, _ single: PlanContext, _ pictures: [Float], count: Int
    ) throws {
        let plan = context.plan
        let (step, _, shape) = plan.featureMaps[plan.featureMaps.count / 2]
        func maps(
            _ context: PlanContext, _ pictures: ArraySlice<Float>, count: Int,
            limits: CallLimits = CallLimits()
        ) throws -> [Float] {
            var values = [Float](repeating: .nan, count: count * shape.elementCount)
            var logits = [Float](repeating: .nan, count: count * plan.graph.classCount)
            try pictures.withUnsafeBufferPointer { pictures in
                try values.withUnsafeMutableBufferPointer { values in
                    try logits.withUnsafeMutableBufferPointer {
                        try context.run(
                            pictures, count: count, logits: $0,
                            maps: [FeatureMapOutput(step: step, buffer: values)], limits: limits)
                    }
                }
            }
            return values
        }
        let size = pictures.count / count
        let expected = try (0..<count).flatMap {
            try maps(single, pictures[$0 * size..<($0 + 1) * size], count: 1)
        }
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: PlanError.cancelled) {
            try maps(
                context, pictures[...], count: count, limits: CallLimits(cancellation: cancellation)
            )
        }
        #expect(throws: PlanError.deadlineExceeded) {
            try maps(context, pictures[...], count: count, limits: CallLimits(deadline: .now))
        }
        #expect(
            try maps(context, pictures[...], count: count).map(\.bitPattern)
                == expected.map(\.bitPattern))
    }

    @Test func fastNumericsStayWithinTheirTolerance() throws {
        let network = try PlanTests.network(seed: 13, width: 48)
        var random = SeededRandom(14)
        let picture = random.floats(3 * 64 * 64)
        let pool = WorkerPool(threadCount: 2)
        let plan = try Plan(network, height: 64, width: 64, numerics: .fast, pool: pool)
        #expect(plan.stepDescriptions.contains { $0.algorithm == "winograd" })
        #expect(plan.stepDescriptions.contains { $0.algorithm == "stem" })
        let strict = try Plan(network, height: 64, width: 64, numerics: .strict, pool: pool)
        #expect(
            strict.stepDescriptions.allSatisfy { !["winograd", "stem"].contains($0.algorithm) })
        let expected = try evaluate(network, input: picture, height: 64, width: 64)
        let largest = expected.map(abs).max()!
        for (plan, tolerance) in [(plan, 1e-4), (strict, 1e-5)] {
            let logits = try PlanContext(plan, pool: pool).run(picture, count: 1)
            let error = zip(logits, expected).map { abs(Double($0) - $1) }.max()!
            #expect(error <= tolerance * largest)
        }
    }

    @Test func nanReachesTheLogits() throws {
        let network = try PlanTests.network(seed: 5)
        var input = [Float](repeating: 0.5, count: 3 * 32 * 32)
        input[5 * 32 + 7] = .nan
        let context = try context(network, height: 32, width: 32)
        let logits = context.run(input, count: 1)
        #expect(logits.allSatisfy { $0.isNaN })
    }

    @Test func contextsOfOnePoolRunAtATime() async throws {
        let network = try PlanTests.network(seed: 6)
        let pool = WorkerPool(threadCount: 3)
        let plan = try Plan(network, height: 48, width: 48, pool: pool)
        var random = SeededRandom(7)
        let input = random.floats(3 * 48 * 48)
        let expected = try PlanContext(plan, pool: pool).run(input, count: 1)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let context = try PlanContext(plan, pool: pool)
                    return (0..<20).allSatisfy { _ in context.run(input, count: 1) == expected }
                }
            }
            for try await same in group { #expect(same) }
        }
    }

    private func context(_ network: Network, height: Int, width: Int) throws -> PlanContext {
        let pool = WorkerPool(threadCount: 2)
        return try PlanContext(
            try Plan(network, height: height, width: width, numerics: .strict, pool: pool),
            pool: pool)
    }

    /// The network in Float64, one naive operation after the other.
    private func evaluate(
        _ network: Network, input: [Float], height: Int, width: Int
    ) throws -> [Double] {
        let shapes = try network.graph.shapes(height: height, width: width)
        var values: [[Double]] = []
        for (index, node) in network.graph.nodes.enumerated() {
            let sources = network.graph.inputIndices[index]
            let shape =
                sources[0] < 0
                ? Shape(channels: 3, height: height, width: width) : shapes[sources[0]]
            let source = sources[0] < 0 ? input.map(Double.init) : values[sources[0]]
            switch node.operation {
            case .convolution(let convolution):
                values.append(
                    naiveConvolution(
                        convolution,
                        weight: network.tensors["\(convolution.parameters).weight"]!.values,
                        bias: network.tensors["\(convolution.parameters).bias"]!.values,
                        input: source.map(Float.init), height: shape.height, width: shape.width))
            case .maxPool(let pool):
                var output: [Double] = []
                for channel in 0..<shape.channels {
                    for row in 0..<shapes[index].height {
                        for column in 0..<shapes[index].width {
                            var largest = -Double.infinity
                            for y in row * pool.stride - pool.padding..<row * pool.stride
                                - pool.padding + pool.kernel
                            {
                                for x in column * pool.stride - pool.padding..<column * pool.stride
                                    - pool.padding + pool.kernel
                                where 0..<shape.height ~= y && 0..<shape.width ~= x {
                                    largest = max(
                                        largest,
                                        source[(channel * shape.height + y) * shape.width + x])
                                }
                            }
                            output.append(largest)
                        }
                    }
                }
                values.append(output)
            case .add(let activation):
                let sums = zip(source, values[sources[1]]).map { $0 + $1 }
                values.append(activation == .relu ? sums.map { max(0, $0) } : sums)
            case .globalAveragePool:
                let plane = shape.height * shape.width
                values.append(
                    (0..<shape.channels).map {
                        source[$0 * plane..<($0 + 1) * plane].reduce(0, +) / Double(plane)
                    })
            case .linear(let linear):
                let weight = network.tensors["linear.weight"]!.values
                let bias = network.tensors["linear.bias"]!.values
                values.append(
                    (0..<linear.outputFeatures).map { output in
                        (0..<linear.inputFeatures).reduce(Double(bias[output])) {
                            $0 + Double(weight[output * linear.inputFeatures + $1]) * source[$1]
                        }
                    })
            }
        }
        return values[values.count - 1]
    }
}
