import OrepaCheckpoint
import OrepaConversion
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

/// The unfused interpreter against what the published training code computes, in Float64 both.
@Suite struct InterpreterTests {
    @Test(arguments: CheckpointFixture.training)
    func agreesWithThePublishedCode(file: String, golden: String) throws {
        #expect(try InterpreterTests.error(file, golden) < 1e-13)
    }

    /// The golden logits are those of the network before it was folded and rounded to Float32.
    @Test func runsAFoldedNetwork() throws {
        let (file, golden) = CheckpointFixture.deployed
        #expect(try InterpreterTests.error(file, golden) < 1e-6)
    }

    /// Layers are visited in the order of the graph, the linear layer last, before any ReLU.
    @Test func visitsEveryLayerBeforeItsReLU() throws {
        let random = RandomCheckpoint(.resNetBottleneck, .orepa, seed: 3)
        let network = try TrainingNetwork(Checkpoint(random.file()))
        let shape = Shape(channels: 3, height: 64, width: 64)
        var generator = SeededRandom(5)
        let input = FeatureMap(shape: shape, values: generator.floats(3 * 64 * 64).map(Double.init))
        var names: [String] = []
        var negative = 0
        let logits = try network.interpret(input) { node, _, output in
            names.append(node.name)
            if output.values.contains(where: { $0 < 0 }) { negative += 1 }
            if node.name == "linear" { #expect(output.shape.elementCount == output.shape.channels) }
        }
        #expect(names == network.blocks.map(\.name) + ["linear"])
        #expect(negative > names.count / 2)
        #expect(logits.count == network.graph.classCount)
    }

    private static func error(_ file: String, _ golden: String) throws -> Double {
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
        return zip(found, expected).map { abs($0 - $1) }.max()! / expected.map(abs).max()!
    }
}
