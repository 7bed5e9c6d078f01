import OrepaCheckpoint
import OrepaConversion
import OrepaFold
import OrepaTraining
import TestSupport
import Testing

/// A small file cannot make a comparison take long, or much memory.
@Suite struct VerificationBudgetTests {
    private func error(_ checkpoint: Checkpoint, inputSize: Int? = nil) throws -> ConversionError? {
        do {
            _ = try VerifierTests.verifier(.init(inputSize: inputSize)).verify(checkpoint)
            return nil
        } catch { return error }
    }

    /// 2363 x 2363 weights, all of them one number.
    @Test func aKernelLargerThanEveryPictureIsRefused() throws {
        let checkpoint = try Checkpoint(path: fixture("hostile-checkpoints/large-kernel.pth"))
        #expect(try error(checkpoint) != nil)
    }

    /// Every weight is tested on pictures of 256 pixels a side at least.
    @Test func aKernelAsLargeAsThePictureIsRefused() throws {
        var random = RandomCheckpoint(
            .init(repVGG: 1, depths: [1], widths: [1], classCount: 1), .base, seed: 1)
        let kernel = 255
        random["stage0.conv.weight"]?.shape = [1, 3, kernel, kernel]
        random["stage0.conv.weight"]?.values = [Float](repeating: 1, count: 3 * kernel * kernel)
        let found = try error(Checkpoint(random.file()))
        // Of this kernel, and of the 3x3 kernel behind it.
        let products = 3 * kernel * kernel * 128 * 128 + 9 * 64 * 64
        let steps = products * (1 + 16)
        #expect(
            found
                == .verificationCost(
                    path: "random.safetensors", size: 256, limit: 50_000_000_000, found: steps))
        #expect(found?.description.contains("expected at most 50000000000") == true)
    }

    @Test func aMapOfVeryManyChannelsIsRefused() throws {
        let random = RandomCheckpoint(
            .init(repVGG: 20_000, depths: [1], widths: [1], classCount: 1), .base, seed: 1)
        #expect(
            try error(Checkpoint(random.file()))
                == .verificationMap(
                    path: "random.safetensors", node: "stage0", size: 64, limit: 1 << 24))
    }

    /// Windows so large that not one row of them is laid out at a time.
    @Test func largeKernelsOfManyChannelsAreRight() throws {
        var random = RandomCheckpoint(
            .init(repVGG: 256, depths: [1], widths: [1], classCount: 1), .base, seed: 1)
        var generator = SeededRandom(3)
        let (name, kernel) = ("stage1.0.conv.weight", 21)
        try #require(random[name] != nil)
        random[name]?.shape = [1, 256, kernel, kernel]
        // Few enough that Float32 sums them precisely.
        random[name]?.values = generator.floats(256 * kernel * kernel).enumerated().map {
            $0 % 97 == 0 ? $1 : 0
        }
        let checkpoint = try Checkpoint(random.file())
        let found = try #require(try VerifierTests.verifier().verify(checkpoint))
        #expect(found.passed, "\(found.failures)")
        // A wrong weight is found.
        random[name]?.values[7 * kernel + 3] += 1
        let changed = try Checkpoint(random.file())
        let network = try TrainingNetwork(checkpoint)
        let other = try VerifierTests.verifier().compare(
            network, with: TrainingNetwork(changed).folded())
        #expect(!other.passed)
    }
}
