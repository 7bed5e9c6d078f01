import OrepaCheckpoint
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

/// Random networks are recognised as what they were made as.
@Suite struct RandomNetworkTests {
    @Test(
        arguments: RandomCheckpoint.Architecture.Family.allCases,
        RandomCheckpoint.BlockType.allCases)
    func recognisesRandomNetworks(
        family: RandomCheckpoint.Architecture.Family, type: RandomCheckpoint.BlockType
    ) throws {
        for seed in 0..<50 as Range<UInt64> {
            let random = RandomCheckpoint(family, type, seed: seed)
            let network = try TrainingNetwork(Checkpoint(random.file()))
            let architecture = random.architecture
            #expect(network.graph.classCount == architecture.classCount)
            let isGrouped = architecture.places.contains { $0.groups > 1 }
            #expect(
                network.family
                    == (family == .repVGG ? .repVGG : isGrouped ? .resNeXt : .resNet))
            #expect(network.isFolded == (network.blocks.allSatisfy { $0.kind == .folded }))
            try #require(network.blocks.map(\.name) == architecture.places.map(\.prefix))
            for (block, place) in zip(network.blocks, architecture.places) {
                let convolution = block.convolution
                #expect(convolution.inputChannels == place.inputChannels)
                #expect(convolution.outputChannels == place.outputChannels)
                #expect(convolution.kernel == place.kernel)
                #expect(convolution.padding == place.kernel / 2)
                #expect(convolution.stride == place.stride)
                #expect(convolution.groups == place.groups)
                #expect(convolution.parameters.hasPrefix(place.prefix + "."))
                let isLast = !["conv1", "conv2"].contains(place.prefix.split(separator: ".").last!)
                if family == .repVGG { #expect(convolution.activation == .relu) }
                if family == .resNeXt || family == .resNetBottleneck {
                    #expect((convolution.activation == .relu) == !isLast)
                }
            }
        }
    }
}
