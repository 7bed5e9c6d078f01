import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// Layers computed as a file says, rather than as their shapes do.
@Suite struct StoredAlgorithmTests {
    let pool = WorkerPool(threadCount: 2)

    /// `size` outputs as tiles of random sizes.
    private static func tiles(_ size: Int, using random: inout SeededRandom) -> WinogradTiles {
        var counts = [0, 0, 0, 0]
        var left = size
        while left > 0 {
            let tile = Int.random(in: 1...min(left, WinogradTiles.largest), using: &random)
            counts[tile - 1] += 1
            left -= tile
        }
        return WinogradTiles(counts: counts)
    }

    /// On small integers, with weights that the transforms' denominators divide, every sum is exact: any tiles must
    /// give the same numbers as the definition, on every instruction set.
    @Test(arguments: 0..<60) func anyTilesComputeTheConvolution(seed: Int) throws {
        var random = SeededRandom(UInt64(seed))
        func integers(_ count: Int, times scale: Float = 1) -> [Float] {
            (0..<count).map { _ in scale * Float(Int.random(in: -1...1, using: &random)) }
        }
        let convolution = Convolution(
            parameters: "c", inputChannels: Int.random(in: 16...33, using: &random),
            outputChannels: Int.random(in: 1...40, using: &random), kernel: 3,
            stride: Int.random(in: 1...2, using: &random), padding: 1, activation: .identity)
        let height = Int.random(in: 1...23, using: &random)
        let width = Int.random(in: 1...40, using: &random)
        let algorithm = LayerAlgorithm.winograd(
            rows: StoredAlgorithmTests.tiles(
                (height - 1) / convolution.stride + 1, using: &random),
            columns: StoredAlgorithmTests.tiles(
                (width - 1) / convolution.stride + 1, using: &random))
        let weight = integers(convolution.weightShape.reduce(1, *), times: 24 * 24)
        let bias = integers(convolution.outputChannels)
        let input = integers(convolution.inputChannels * height * width)
        let expected = naiveConvolution(
            convolution, weight: weight, bias: bias, input: input, height: height, width: width)
        for set in InstructionSet.allCases where set <= .best {
            let output = try convolution.evaluate(
                weight: Tensor(shape: convolution.weightShape, values: weight),
                bias: Tensor(shape: [bias.count], values: bias), input: input, height: height,
                width: width, numerics: .fast, algorithm: algorithm, instructionSet: set,
                pool: pool)
            #expect(output.values.map(Double.init) == expected, "\(algorithm), \(set)")
        }
    }

    @Test func aPlanComputesAsItIsTold() throws {
        let network = try PlanTests.network(seed: 21, width: 24)
        var random = SeededRandom(22)
        let picture = random.floats(3 * 64 * 64)
        func run(
            _ numerics: Numerics, _ algorithms: [ByteName: LayerAlgorithm]
        ) throws -> (algorithms: [ByteName: LayerAlgorithm], bits: [UInt32]) {
            let plan = try Plan(
                network, height: 64, width: 64, numerics: numerics, algorithms: algorithms,
                pool: pool)
            // Batches are planned again, in the same way.
            let logits = try PlanContext(plan, batch: 2, pool: pool).run(
                picture + picture, count: 2)
            #expect(logits.prefix(7) == logits.suffix(7))
            return (plan.blueprint.algorithms, logits.prefix(7).map(\.bitPattern))
        }
        let fast = try run(.fast, [:])
        let strict = try run(.strict, [:])
        #expect(Set(fast.algorithms.keys) == ["stem", "a", "c", "b", "s", "linear"])
        #expect(fast.algorithms["stem"] == .stem)
        let two = WinogradTiles(counts: [0, 4, 0, 0])
        #expect(fast.algorithms["c"] == .winograd(rows: two, columns: two))
        #expect(strict.algorithms.values.allSatisfy { $0.isStrict })
        #expect(fast.bits != strict.bits)

        #expect(try run(.fast, fast.algorithms) == fast)
        #expect(try run(.fast, strict.algorithms) == strict)
        // Other tiles round in another way, and layers that are not named are computed as before.
        let four = WinogradTiles(counts: [0, 0, 0, 2])
        let other = try run(.fast, ["c": .winograd(rows: two, columns: four)])
        #expect(other.bits != fast.bits)
        var expected = fast.algorithms
        expected["c"] = .winograd(rows: two, columns: four)
        #expect(other.algorithms == expected)
    }

    @Test func algorithmsThatDoNotTakeTheLayerAreErrors() throws {
        let network = try PlanTests.network(seed: 21, width: 24)
        let four = WinogradTiles(counts: [0, 0, 0, 2])
        let three = WinogradTiles(counts: [0, 0, 3, 0])
        let wrong: [(Numerics, String, LayerAlgorithm)] = [
            (.fast, "stem", .winograd(rows: four, columns: four)), (.fast, "c", .stem),
            (.fast, "c", .grouped), (.fast, "linear", .stem),
            (.fast, "b", .winograd(rows: four, columns: four)),
            (.fast, "c", .winograd(rows: three, columns: four)),
            (.fast, "c", .winograd(rows: four, columns: three)),
            (.strict, "c", .winograd(rows: four, columns: four)), (.strict, "stem", .stem),
        ]
        for (numerics, layer, algorithm) in wrong {
            #expect(throws: PlanError.algorithm(layer: layer, algorithm)) {
                try Plan(
                    network, height: 64, width: 64, numerics: numerics,
                    algorithms: [ByteName(layer): algorithm], pool: pool)
            }
        }
    }

    /// What the file says holds for the model's own size; at others the shapes decide.
    @Test func aModelsFileDecidesForItsOwnSize() throws {
        let network = try PlanTests.network(seed: 21, width: 24)
        func algorithms(_ size: Int, _ numerics: Numerics) throws -> [ByteName: LayerAlgorithm] {
            try PlanBlueprint(
                network.graph, height: size, width: size, numerics: numerics, threadCount: 1
            ).algorithms
        }
        func model(fast: [ByteName: LayerAlgorithm]) throws -> ModelFile {
            try ModelFile(
                network: network,
                description: ModelDescription(
                    family: "ResNet", blocks: [:],
                    preprocessing: Preprocessing(
                        resize: 64, crop: 64, mean: [0, 0, 0], std: [1, 1, 1]),
                    algorithms: PerNumerics(fast: fast, strict: try algorithms(64, .strict)),
                    tool: "test"), path: "m")
        }
        var stored = try algorithms(64, .fast)
        let one = WinogradTiles(counts: [8, 0, 0, 0])
        stored["c"] = .winograd(rows: one, columns: one)
        stored["stem"] = .direct
        #expect(
            try Plan(model(fast: stored), pool: pool).blueprint.algorithms == stored)
        #expect(
            try Plan(model(fast: stored), numerics: .strict, pool: pool).blueprint.algorithms
                == algorithms(64, .strict))
        #expect(
            try Plan(model(fast: stored), height: 96, width: 96, pool: pool).blueprint.algorithms
                == algorithms(96, .fast))

        stored["c"] = .grouped
        #expect(
            throws: PlanError.model(
                .malformed(
                    path: "m", field: "algorithms.fast.c.name",
                    expected: "an algorithm that takes the layer", found: "grouped"))
        ) { try Plan(model(fast: stored), pool: pool) }
    }
}
