import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import OrepaTraining
import TestSupport
import Testing

/// What torchvision's own code wrote and computed (`tools/fixtures/make_torchvision_fixtures.py`).
@Suite struct TorchvisionTests {
    static let cases: [(name: String, family: Family, blocks: Int)] = [
        ("resnet-basic", .resNet, 14), ("resnet-bottleneck", .resNet, 20),
        ("resnext", .resNeXt, 20), ("wide-resnet", .resNet, 17),
    ]

    /// Recognised, folded, verified against its branches, and held against the logits of the original code.
    @Test(arguments: cases) func givesTheLogitsOfTheOriginalCode(
        name: String, family: Family, blocks: Int
    ) throws {
        let folder = try TemporaryFolder()
        let checkpoint = try RecognizedCheckpoint(
            Checkpoint(path: fixture("torchvision/\(name).pth")))
        #expect(checkpoint.network.family == family)
        #expect(checkpoint.network.classCount == 10)
        #expect(checkpoint.network.inputChannels == 3)
        #expect(!checkpoint.network.isStemAmbiguous)
        let reference = try Reference(path: fixture("torchvision/\(name).reference.safetensors"))
        let path = folder.file("model")
        let result = try Converter(
            options: ConversionOptions(reference: reference, tool: "test"),
            pool: WorkerPool(threadCount: 1)
        ).convert(checkpoint.checkpoint, to: path)
        #expect(result.model.description.family == family.rawValue)
        #expect(result.model.description.blocks == ["ConvBN": blocks])
        #expect(result.verification?.passed == true)
        #expect(result.verification?.isFastPrecise == true)
        let comparison = try #require(result.reference)
        #expect(comparison.error <= 1e-5)
        #expect(comparison.pictureCount == 2)
        // The model has the published names, and is the same network when it is read as a checkpoint.
        let model = try ModelFile(path: path)
        #expect(model.network.tensors["stage1.0.conv1.conv.weight"] != nil)
        #expect(model.network.tensors["linear.weight"] != nil)
        let again = try RecognizedCheckpoint(Checkpoint(path: path))
        #expect(try again.trainingNetwork(NetworkOptions(model)).graph == model.network.graph)
    }

    /// Without the right weights the reference tells.
    @Test func aReferenceNoticesOtherWeights() throws {
        let folder = try TemporaryFolder()
        let reference = try Reference(
            path: fixture("torchvision/resnet-bottleneck.reference.safetensors"))
        let converter = Converter(
            options: ConversionOptions(
                network: NetworkOptions(batchNormEpsilon: 1e-2), reference: reference,
                tool: "test"),
            pool: WorkerPool(threadCount: 1))
        let error = #expect(throws: ConversionError.self) {
            try converter.convert(
                Checkpoint(path: fixture("torchvision/resnet-bottleneck.pth")),
                to: folder.file("model"))
        }
        guard case .otherLogits? = error else {
            Issue.record("expected other logits, found \(String(describing: error))")
            return
        }
    }
}
