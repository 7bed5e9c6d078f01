import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaSafetensors
import OrepaTraining
import TestSupport
import Testing

/// The unfused interpreter against what the published training code computes.
@Suite struct InterpreterTests {
    @Test(arguments: CheckpointFixture.training + [CheckpointFixture.deployed])
    func agreesWithThePublishedCode(file: String, golden: String) throws {
        let network = try TrainingNetwork(Checkpoint(path: CheckpointFixture.path(file)))
        let golden = try Checkpoint(path: CheckpointFixture.path(golden))
        let input = try #require(golden["input"])
        let expected = try #require(golden["logits"]).doubles()
        let shape = Shape(channels: 3, height: input.shape[2], width: input.shape[3])
        let values = try input.doubles()
        var found: [Double] = []
        for picture in 0..<input.shape[0] {
            let range = picture * shape.elementCount..<(picture + 1) * shape.elementCount
            found += try network.interpret(FeatureMap(shape: shape, values: Array(values[range])))
        }
        try #require(found.count == expected.count)
        let largest = expected.map(abs).max()!
        let error = zip(found, expected).map { abs($0 - $1) }.max()! / largest
        print(file, error)
        #expect(error < 1e-9)
    }
}
