import Orepa
import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import TestSupport
import Testing

/// The values that a call gives beside the logits.
@Suite struct OutputTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    /// The linear layer, computed here in Float64 from the feature vector, gives the logits; the mean of the last
    /// stage's map gives the feature vector.
    @Test(arguments: Numerics.allCases, [nil, 96, 224]) func valuesBelongTogether(
        numerics: Numerics, size: Int?
    ) throws {
        var options = Model.Options()
        options.numerics = numerics
        if let size { options.inputSize = (size, size) }
        let file = try ModelFile(path: OutputTests.modelPath)
        let model = try Model(file, options: options)
        let outputs = Outputs(features: true, stages: model.stages.reversed().map(\.name))
        let pictures = try sampleImages().map { Picture.file($0) }
        let answers = try model.run(pictures, outputs: outputs)
        let (weight, bias) = (
            file.network.tensors["linear.weight"]!, file.network.tensors["linear.bias"]!
        )
        for (answer, picture) in zip(answers, pictures) {
            let answer = try answer.get()
            #expect(try model.run(picture).logits == answer.logits)
            let features = try #require(answer.features)
            #expect(features.count == model.featureCount)
            for index in 0..<model.classCount {
                let row = weight.values[index * features.count..<(index + 1) * features.count]
                let sum = zip(row, features).reduce(Double(bias.values[index])) {
                    $0 + Double($1.0) * Double($1.1)
                }
                #expect(abs(Double(answer.logits[index]) - sum) < 1e-4)
            }
            #expect(answer.featureMaps.map(\.name) == outputs.stages)
            for map in answer.featureMaps {
                #expect(map.values.count == map.shape.elementCount)
                #expect(model.stages.contains { $0.name == map.name && $0.shape == map.shape })
                #expect(map.values.contains { $0 > 0 })
            }
            let last = answer.featureMaps[0]
            let area = last.shape.height * last.shape.width
            for (channel, feature) in features.enumerated() {
                let mean = last.values[channel * area..<(channel + 1) * area].reduce(0.0) {
                    $0 + Double($1)
                }
                #expect(abs(mean / Double(area) - Double(feature)) < 1e-4)
            }
        }
    }

    /// The stage's value is that of its last layer, with the same bits on any instruction set.
    @Test func stagesAreTheirLastLayers() throws {
        let file = try ModelFile(path: OutputTests.modelPath)
        let model = try Model(file)
        #expect(model.stages.map(\.name) == ["stage0", "stage1", "stage2", "stage3", "stage4"])
        #expect(model.stages.map(\.shape.height) == [28, 14, 7, 4, 2])
        let size = model.inputShape.elementCount
        var random = SeededRandom(9)
        let input = random.floats(5 * size)
        let pictures = (0..<5).map { Picture.tensor(Array(input[$0 * size..<($0 + 1) * size])) }
        let pool = WorkerPool(threadCount: 1)
        let context = try PlanContext(
            Plan(file, instructionSet: .portable, pool: pool), pool: pool)
        for stage in model.stages {
            let map = try #require(
                context.plan.featureMaps.last {
                    $0.name == stage.name || $0.name.hasPrefix(stage.name + ".")
                })
            #expect(map.shape == stage.shape)
            var values = [Float](repeating: 0, count: 5 * map.shape.elementCount)
            var logits = [Float](repeating: 0, count: 5 * model.classCount)
            try input.withUnsafeBufferPointer { input in
                try logits.withUnsafeMutableBufferPointer { logits in
                    try values.withUnsafeMutableBufferPointer {
                        try context.run(
                            input, count: 5, logits: logits,
                            maps: [FeatureMapOutput(step: map.step, buffer: $0)],
                            limits: CallLimits())
                    }
                }
            }
            let answers = try model.run(pictures, outputs: Outputs(stages: [stage.name]))
            let found = try answers.flatMap { try $0.get().featureMaps[0].values }
            #expect(found.map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    /// Residual networks, whose last value of a stage is an addition that a convolution absorbed.
    @Test func residualStagesEndWithTheirSums() throws {
        let file = try ModelFile(
            network: PlanTestNetwork.residual(), description: PlanTestNetwork.description)
        let model = try Model(file)
        #expect(model.stages.map(\.name) == ["stage0", "stage1"])
        #expect(model.stages[1].shape == Shape(channels: 20, height: 4, width: 4))
        let answer = try model.run(
            .tensor([Float](repeating: 0.5, count: 3 * 32 * 32)),
            outputs: Outputs(features: true, stages: ["stage1"]))
        let map = answer.featureMaps[0].values
        #expect(map.allSatisfy { $0 >= 0 } && map.contains { $0 > 0 })
        let features: [Float] = try #require(answer.features)
        for (channel, feature) in features.enumerated() {
            let sum: Float = map[channel * 16..<(channel + 1) * 16].reduce(0, +)
            #expect(abs(sum / 16 - feature) < 1e-4)
        }
    }

    @Test func unknownStagesAreRefused() throws {
        let model = try Model(path: OutputTests.modelPath)
        let error = #expect(throws: OrepaError.self) {
            try model.run([] as [Picture], outputs: Outputs(stages: ["stage9"]))
        }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.message
                == "stage: expected one of stage0, stage1, stage2, stage3, stage4, found stage9")
    }
}

/// A small residual network with the names that converted ones have.
private enum PlanTestNetwork {
    static let description = ModelDescription(
        family: "ResNet", blocks: [:],
        preprocessing: Preprocessing(resize: 32, crop: 32, mean: [0, 0, 0], std: [1, 1, 1]),
        tool: "test")

    static func residual() throws -> Network {
        func convolution(
            _ name: String, _ input: Int, _ output: Int, _ kernel: Int, stride: Int,
            activation: Activation,
            from source: String
        ) -> Node {
            Node(
                name: name,
                operation: .convolution(
                    Convolution(
                        parameters: name, inputChannels: input, outputChannels: output,
                        kernel: kernel, stride: stride, padding: kernel / 2,
                        activation: activation)),
                inputs: [source])
        }
        let graph = try Graph(
            inputChannels: 3,
            nodes: [
                convolution(
                    "stage0.conv1", 3, 12, 7, stride: 2, activation: .relu, from: Graph.inputName),
                Node(
                    name: "stage0.maxpool",
                    operation: .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)),
                    inputs: ["stage0.conv1"]),
                convolution(
                    "stage1.0.conv1", 12, 20, 3, stride: 2, activation: .relu,
                    from: "stage0.maxpool"),
                convolution(
                    "stage1.0.shortcut", 12, 20, 1, stride: 2, activation: .identity,
                    from: "stage0.maxpool"),
                convolution(
                    "stage1.0.conv2", 20, 20, 3, stride: 1, activation: .identity,
                    from: "stage1.0.conv1"),
                Node(
                    name: "stage1.0.add", operation: .add(.relu),
                    inputs: ["stage1.0.conv2", "stage1.0.shortcut"]),
                Node(name: "pool", operation: .globalAveragePool, inputs: ["stage1.0.add"]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: 20, outputFeatures: 7)),
                    inputs: ["pool"]),
            ])
        var random = SeededRandom(8)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[name] = Tensor(shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        return try Network(graph: graph, tensors: tensors)
    }
}
