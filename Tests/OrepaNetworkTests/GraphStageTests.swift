import OrepaNetwork
import TestSupport
import Testing

/// What the names of a converted network's nodes show of its strides and its stem.
@Suite struct GraphStageTests {
    private static func graph(
        _ convolutions: [(name: String, stride: Int)], poolAfterFirst: Bool = false
    ) throws -> Graph {
        var nodes: [Node] = []
        var value = Graph.inputName
        for (name, stride) in convolutions {
            nodes.append(
                Node(
                    name: name,
                    operation: .convolution(
                        Convolution(
                            parameters: name, inputChannels: 3, outputChannels: 3, kernel: 3,
                            stride: stride, padding: 1, activation: .relu)), inputs: [value]))
            value = name
            if poolAfterFirst, nodes.count == 1 {
                nodes.append(
                    Node(
                        name: "p", operation: .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)),
                        inputs: [value]))
                value = "p"
            }
        }
        nodes.append(Node(name: "pool", operation: .globalAveragePool, inputs: [value]))
        nodes.append(
            Node(
                name: "linear",
                operation: .linear(
                    Linear(parameters: "linear", inputFeatures: 3, outputFeatures: 2)),
                inputs: ["pool"]))
        return try Graph(inputChannels: 3, nodes: nodes)
    }

    @Test func chains() throws {
        let graph = try GraphStageTests.graph([
            ("stage0", 2), ("stage1.0", 3), ("stage1.1", 4), ("stage2.0", 1), ("stage10.0", 4),
        ])
        #expect(graph.stageStrides == [2, 3, 1])
        #expect(graph.stem == nil)
        #expect(!graph.hasMaxPool)
    }

    @Test(arguments: [false, true]) func residualNetworks(hasPool: Bool) throws {
        let graph = try GraphStageTests.graph(
            [
                ("stage0.conv1", 1), ("stage1.0.conv1", 1), ("stage1.0.conv2", 2),
                ("stage1.0.conv3", 1), ("stage1.1.conv1", 3), ("stage2.0.conv1", 1),
            ], poolAfterFirst: hasPool)
        #expect(graph.stageStrides == [1, 2, 1])
        #expect(graph.stem == (hasPool ? .imageNet : .small))
        #expect(graph.hasMaxPool == hasPool)
    }

    @Test func otherNames() throws {
        let graph = try GraphStageTests.graph([("a", 2), ("stage1.0", 2)])
        #expect(graph.stageStrides == nil)
        #expect(graph.stem == nil)
        #expect(
            try GraphStageTests.graph([("stage0", 2), ("stage01.0", 2), ("stage+1.0", 2)])
                .stageStrides == [2])
    }
}
