import OrepaCheckpoint
import OrepaFold
import OrepaNetwork
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

typealias Family = RandomCheckpoint.Architecture.Family

/// Folds of random networks against the sums of the specification.
@Suite struct RandomFoldTests {
    @Test(arguments: Family.allCases, RandomCheckpoint.BlockType.allCases)
    func foldsAsTheSpecificationSays(family: Family, type: RandomCheckpoint.BlockType) throws {
        for seed in 100..<110 as Range<UInt64> {
            let random = RandomCheckpoint(family, type, seed: seed)
            for block in try TrainingNetwork(Checkpoint(random.file())).blocks {
                try expectNaive(block, "\(seed)")
            }
        }
    }

    /// The last bit of Float32 is all that may differ.
    private func expectNaive(_ block: TrainingBlock, _ comment: Comment) throws {
        let folded = try fold(block)
        let naive = try NaiveFold(block: block).fold()
        for (found, expected) in [(folded.weight, naive.weight), (folded.bias, naive.bias)] {
            try #require(found.count == expected.count)
            let largest = expected.map(abs).max() ?? 0
            let difference = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 0
            #expect(
                difference <= 0x1p-24 * 1.001 * largest, "\(comment) \(block.name) \(block.kind)")
        }
    }

    @Test func everyKindIsCovered() throws {
        var kinds: Set<BlockKind> = []
        var depthwise = 0
        for family in Family.allCases {
            for type in RandomCheckpoint.BlockType.allCases {
                for seed in 100..<110 as Range<UInt64> {
                    let random = RandomCheckpoint(family, type, seed: seed)
                    for block in try TrainingNetwork(Checkpoint(random.file())).blocks {
                        kinds.insert(block.kind)
                        if block.tensors["dbb_1x1_kxk.conv1.weight"] != nil { depthwise += 1 }
                    }
                }
            }
        }
        #expect(kinds == Set(BlockKind.allCases))
        #expect(depthwise > 0)
    }

    /// Folding the folded network changes no bit.
    @Test(arguments: Family.allCases)
    func foldingIsIdempotent(family: Family) throws {
        for seed in 0..<5 as Range<UInt64> {
            let random = RandomCheckpoint(family, .mixed, seed: seed)
            let once = try TrainingNetwork(Checkpoint(random.file())).folded()
            var deployed = random
            deployed.tensors = once.tensors.map { .init($0.text, $1.shape, $1.values) }
            let training = try TrainingNetwork(Checkpoint(deployed.file()))
            #expect(training.isFolded)
            #expect(training.graph == once.graph)
            let twice = try training.folded()
            for (name, tensor) in once.tensors {
                #expect(
                    twice.tensors[name]?.values.map(\.bitPattern) == tensor.values.map(\.bitPattern)
                )
            }
        }
    }

    @Test func equalBitsEachTime() throws {
        let random = RandomCheckpoint(.resNeXt, .orepa, seed: 3)
        let training = try TrainingNetwork(Checkpoint(random.file()))
        let (first, second) = (try training.folded(), try training.folded())
        for (name, tensor) in first.tensors {
            #expect(second.tensors[name]?.values == tensor.values)
        }
    }

    /// Half precision is widened before anything is computed, and Float64 is not narrowed.
    @Test(
        arguments: [ElementType.float16, .bfloat16, .float64], RandomCheckpoint.BlockType.allCases)
    func foldsOtherPrecisions(elementType: ElementType, type: RandomCheckpoint.BlockType) throws {
        var random = RandomCheckpoint(.resNetBasic, type, seed: 7)
        random.convert(to: elementType)
        for block in try TrainingNetwork(Checkpoint(random.file())).blocks {
            try expectNaive(block, "\(elementType)")
        }
    }

    /// Stored buffers are used as they are; absent ones are recomputed.
    @Test(arguments: [RandomCheckpoint.BlockType.orepa, .orepaVGG])
    func readsOrRecomputesBuffers(type: RandomCheckpoint.BlockType) throws {
        let suffixes = ["_prior", "_avg_avg", "id_tensor", "num_batches_tracked"]
        let random = RandomCheckpoint(.repVGG, type, seed: 11)
        var without = random
        without.tensors.removeAll { tensor in suffixes.contains { tensor.name.hasSuffix($0) } }
        #expect(without.tensors.count < random.tensors.count)
        let expected = try TrainingNetwork(Checkpoint(random.file())).folded()
        let recomputed = try TrainingNetwork(Checkpoint(without.file())).folded()
        for (name, tensor) in expected.tensors {
            // The stored buffers are rounded to Float32.
            let largest = tensor.values.map(abs).max() ?? 0
            let other = try #require(recomputed.tensors[name]).values
            for (a, b) in zip(tensor.values, other) { #expect(abs(a - b) <= 1e-5 * largest) }
        }
        for suffix in suffixes.dropLast() {
            var changed = random
            let index = try #require(changed.tensors.firstIndex { $0.name.hasSuffix(suffix) })
            changed.tensors[index].values = changed.tensors[index].values.map { $0 + 0.25 }
            let name = try #require(changed.tensors[index].name.split(separator: ".").first)
            let network = try TrainingNetwork(Checkpoint(changed.file()))
            for block in network.blocks { try expectNaive(block, "\(suffix)") }
            let folded = try network.folded()
            #expect(
                folded.tensors.contains { key, tensor in
                    key.hasPrefix(String(name)) && tensor.values != expected.tensors[key]?.values
                })
        }
    }

    @Test func reportsProgress() throws {
        let random = RandomCheckpoint(.resNetBottleneck, .dbb, seed: 1)
        let network = try TrainingNetwork(Checkpoint(random.file()))
        var seen: [String] = []
        _ = try network.folded { index, block in
            #expect(index == seen.count)
            seen.append(block.name)
        }
        #expect(seen == network.blocks.map(\.name))
    }
}
