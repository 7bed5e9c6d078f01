import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// Folded kernels against those of the published converter.
@Suite struct GoldenFoldTests {
    @Test(arguments: CheckpointFixture.training.map(\.file))
    func foldsToTheGoldenKernels(file: String) throws {
        let fixture = try #require(CheckpointFixture.training.first { $0.file == file })
        let checkpoint = try Checkpoint(path: CheckpointFixture.path(fixture.file))
        let network = try TrainingNetwork(checkpoint).folded()
        let golden = try SafetensorsFile(
            FileBytes(mapping: CheckpointFixture.path(fixture.golden)))
        let expected = golden.entries.filter { $0.name.hasPrefix("deploy.") }
        #expect(
            Set(expected.map { String($0.name.dropFirst(7)) })
                == Set(network.tensors.keys.map(\.text)))
        for entry in expected {
            let tensor = try #require(network.tensors[String(entry.name.dropFirst(7))])
            #expect(tensor.shape == entry.shape)
            let values = withExtendedLifetime(golden) {
                let bytes = golden.bytes(of: entry)
                return (0..<entry.elementCount).map {
                    bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                }
            }
            let largest = values.map(abs).max() ?? 0
            let difference = zip(values, tensor.values).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= 2e-7 * largest, "\(entry.name): \(difference / largest)")
        }
    }

    @Test func aFoldedFileFoldsToItself() throws {
        let checkpoint = try Checkpoint(
            path: CheckpointFixture.path(CheckpointFixture.deployed.file))
        let training = try TrainingNetwork(checkpoint)
        #expect(training.isFolded)
        let network = try training.folded()
        #expect(network.tensors.count == checkpoint.tensors.count)
        for tensor in checkpoint.tensors {
            let folded = try #require(network.tensors[tensor.name])
            #expect(folded.shape == tensor.shape)
            #expect(try folded.values.map(\.bitPattern) == tensor.floats().map(\.bitPattern))
        }
    }
}
