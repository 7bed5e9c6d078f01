import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// What cannot be folded is named.
@Suite struct FoldErrorTests {
    private let path = "random.safetensors"

    private func error(_ random: RandomCheckpoint) throws -> FoldError? {
        let network = try TrainingNetwork(Checkpoint(random.file(path: path)))
        do {
            _ = try network.folded()
            return nil
        } catch {
            return error
        }
    }

    /// Position `flat` in `shape`, by repeated subtraction.
    private func index(_ flat: Int, _ shape: [Int]) -> [Int] {
        var (rest, result) = (flat, [Int]())
        for dimension in shape.indices {
            let size = shape[(dimension + 1)...].reduce(1, *)
            result.append(rest / size)
            rest -= rest / size * size
        }
        return result
    }

    /// Every tensor of every kind of block is checked: each in turn gets a NaN or an infinity.
    @Test(arguments: RandomCheckpoint.BlockType.allCases)
    func namesNumbersThatAreNotFinite(type: RandomCheckpoint.BlockType) throws {
        let bad: [(Float, String)] = [(.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")]
        let architectures: [RandomCheckpoint.Architecture] = [
            .init(repVGG: 2, depths: [2], widths: [4], groups: 2, classCount: 2),
            .init(resNet: .resNetBasic, stem: 3, depths: [1], widths: [4], classCount: 2),
            .init(resNet: .resNeXt, stem: 3, depths: [1], widths: [4], groups: 4, classCount: 2),
        ]
        for architecture in architectures {
            let random = RandomCheckpoint(architecture, type, seed: 2)
            for (number, tensor) in random.tensors.enumerated() where tensor.elementType == .float32
            {
                var broken = random
                let (value, text) = bad[number % 3]
                let flat = number * 7919 % tensor.values.count
                broken.tensors[number].values[flat] = value
                #expect(
                    try error(broken)
                        == .notFinite(
                            path: path, key: tensor.name, index: index(flat, tensor.shape),
                            found: text))
                guard number % 10 == 0 else { continue }
                broken.convert(to: .float64)
                #expect(
                    try error(broken)
                        == .notFinite(
                            path: path, key: tensor.name, index: index(flat, tensor.shape),
                            found: text))
            }
        }
    }

    @Test func namesVariancesThatAreNotPositive() throws {
        var random = RandomCheckpoint(.repVGG, .base, seed: 2)
        let last = random["stage0.bn.running_var"]!.values.count - 1
        random["stage0.bn.running_var"]!.values[last] = -0.5
        #expect(
            try error(random)
                == .variance(
                    path: path, key: "stage0.bn.running_var", index: [last], epsilon: 1e-5,
                    found: -0.5))
        // A tiny negative one, which rounding can leave, is fine as long as epsilon outweighs it.
        random["stage0.bn.running_var"]!.values[last] = -1e-6
        #expect(try error(random) == nil)
    }

    @Test(arguments: [ElementType.float32, .float64])
    func namesOverflow(elementType: ElementType) throws {
        var random = RandomCheckpoint(.repVGG, .base, seed: 2)
        let shape = random["stage0.conv.weight"]!.shape
        random["stage0.conv.weight"]!.values[4] = 3e38
        random["stage0.bn.weight"]!.values[0] = 1e4
        random.convert(to: elementType)
        guard case .overflow(let path, let tensor, let index, _) = try error(random) else {
            Issue.record("expected an overflow")
            return
        }
        #expect(path == self.path)
        #expect(tensor == "stage0.conv.weight")
        #expect(index == self.index(4, shape))

        var bias = RandomCheckpoint(.repVGG, .repVGG, seed: 2)
        bias["stage0.rbr_1x1.bn.running_mean"]!.values[0] = -3e38
        bias["stage0.rbr_1x1.bn.weight"]!.values[0] = 1e4
        bias["stage0.rbr_1x1.conv.weight"]!.values = bias["stage0.rbr_1x1.conv.weight"]!.values
            .map { _ in 0 }
        guard case .overflow(_, "stage0.rbr_reparam.bias", [0], _) = try error(bias) else {
            Issue.record("expected an overflow")
            return
        }
        var weight = RandomCheckpoint(.repVGG, .repVGG, seed: 2)
        weight["stage0.rbr_dense.conv.weight"]!.values[5] = 3e38
        weight["stage0.rbr_dense.bn.weight"]!.values[0] = 1e4
        let expected = self.index(5, weight["stage0.rbr_dense.conv.weight"]!.shape)
        guard case .overflow(_, "stage0.rbr_reparam.weight", expected, _) = try error(weight) else {
            Issue.record("expected an overflow")
            return
        }
    }

    @Test func passesOnWhatTheFileSays() throws {
        // A storage whose checksum is wrong is found when it is read.
        let path = CheckpointFixture.path("repvgg-repvgg.pth")
        let file = try FileBytes(mapping: path)
        var bytes = withExtendedLifetime(file) { Array(file.bytes) }
        let network = try TrainingNetwork(Checkpoint(FileBytes(bytes, path: path)))
        let values = try #require(network.blocks[3].tensors["rbr_dense.conv.weight"]).floats()
        let pattern = values.prefix(8).flatMap { value in
            withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        let start = try #require(
            bytes.indices.first { bytes[$0...].starts(with: pattern) })
        bytes[start] ^= 1
        let damaged = try TrainingNetwork(Checkpoint(FileBytes(bytes, path: path)))
        #expect {
            try damaged.folded()
        } throws: { error in
            guard case .checkpoint(.checksumMismatch) = error as? FoldError else { return false }
            return true
        }
    }

    @Test func sentences() {
        #expect(
            FoldError.notFinite(path: "a.pth", key: "stage0.vector", index: [1, 2], found: "nan")
                .description
                == "a.pth: `stage0.vector`: expected finite numbers, found nan at [1, 2]")
        #expect(
            FoldError.variance(
                path: "a.pth", key: "b.running_var", index: [3], epsilon: 1e-5, found: -1
            )
            .description
                == "a.pth: `b.running_var`: expected variances greater than -1e-05, "
                + "found -1.0 at [3]")
        #expect(
            FoldError.overflow(path: "a.pth", tensor: "b.weight", index: [0], found: "1e+39")
                .description
                == "a.pth: folded `b.weight`: expected numbers that Float32 can hold, "
                + "found 1e+39 at [0]")
    }
}
