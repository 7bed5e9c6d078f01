import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import OrepaTraining

/// Compares training-time networks with their folded forms.
public struct Verifier {
    public let options: VerificationOptions
    private let pool: WorkerPool

    /// - Parameter pool: The threads on which the folded network runs.
    public init(options: VerificationOptions = .init(), pool: WorkerPool = WorkerPool()) {
        self.options = options
        self.pool = pool
    }

    /// Compares the network of `checkpoint` with `model`, or with its own folded form when that is nil.
    ///
    /// With a model, it is the model's own weights that are compared, block by block and end to end.
    /// Each block is given two feature maps: the one that the picture becomes at its place, and random
    /// values, which the linear layer is given alone. Those reach weights whose input the ReLU before has
    /// zeroed everywhere, and biases that are small beside what the picture becomes. The larger error counts.
    ///
    /// Takes, beside the folded weights, the memory of one tensor in Float64 and of feature maps.
    ///
    /// What a model file's document says, be it `model` or the checkpoint itself, is held against the network too, but
    /// for its probe, which `ModelFile.checkProbe(budget:pool:)` runs.
    ///
    /// - Parameter model: A deployed model and its path, which is for messages.
    /// - Returns: What was found, passed or not; nil when there is nothing to verify, since the checkpoint
    ///   is folded already and there is no model to hold against it.
    /// - Throws: ``ConversionError`` when the checkpoint cannot be read, recognised or folded, when the
    ///   model was made from another file or is another network, or when a document says what does not hold.
    public func verify(
        _ checkpoint: Checkpoint, against model: (path: String, file: ModelFile)? = nil,
        progress: ConversionProgress.Observer? = nil
    ) throws(ConversionError) -> Verification? {
        try examine(RecognizedCheckpoint(checkpoint), against: model, progress: progress)
            .verification
    }

    /// What was found about a checkpoint.
    public struct Examination: Sendable {
        /// nil when there was nothing to verify.
        public let verification: Verification?
        public let assumptions: NetworkAssumptions
        /// nil when there was no reference.
        public let reference: ReferenceComparison?
    }

    /// ``verify(_:against:progress:)`` of a network that `networkOptions` say more about, which is also held against
    /// `reference` where there is one.
    public func examine(
        _ recognized: RecognizedCheckpoint,
        against model: (path: String, file: ModelFile)? = nil,
        network networkOptions: NetworkOptions = .init(), reference: Reference? = nil,
        progress: ConversionProgress.Observer? = nil
    ) throws(ConversionError) -> Examination {
        try options.check()
        let network = try recognized.trainingNetwork(networkOptions)
        try reference?.check(against: network.graph)
        if let own = recognized.deployedModel {
            try DocumentCheck(model: own, path: recognized.path).check(recognized: network)
        }
        try ConversionLibraries.load()
        var folded: Network?
        let verification = try verify(
            network, recognized, against: model, folded: &folded, progress: progress)
        var comparison: ReferenceComparison?
        if let reference {
            progress?(.reference)
            let deployed: Network
            if let network = model?.file.network ?? folded {
                deployed = network
            } else {
                deployed = try network.folded(reporting: progress)
            }
            comparison = try compare(
                reference, with: deployed, path: model?.path ?? recognized.path)
        }
        return Examination(
            verification: verification,
            assumptions: network.assumptions(
                stateDict: recognized.checkpoint.location, inputSize: nil),
            reference: comparison)
    }

    /// - Parameter folded: Gets the checkpoint's folded network where it is made.
    private func verify(
        _ network: TrainingNetwork, _ recognized: RecognizedCheckpoint,
        against model: (path: String, file: ModelFile)?, folded: inout Network?,
        progress: ConversionProgress.Observer?
    ) throws(ConversionError) -> Verification? {
        if let model {
            progress?(.checksum)
            if let source = model.file.description.source {
                let found = try ConversionLibraries.digest(
                    FileDigest.sha256(of: recognized.checkpoint.file))
                guard source.sha256 == found else {
                    throw .otherCheckpoint(
                        model: model.path, checkpoint: recognized.path, expected: source.sha256,
                        found: found)
                }
            }
            try DocumentCheck(model: model.file, path: model.path)
                .check(madeFrom: recognized, as: network)
            return try compare(
                network, with: model.file.network, modelPath: model.path, progress: progress)
        }
        guard !network.isFolded else { return nil }
        _ = try VerificationInput.size(
            for: network.graph, options: options, path: recognized.path)
        let own = try network.folded(reporting: progress)
        folded = own
        return try compare(network, with: own, progress: progress)
    }

    /// Runs `network` with ``Numerics/strict`` on the pictures of `reference` and compares the logits.
    ///
    /// - Parameter path: The network's file, for messages.
    func compare(
        _ reference: Reference, with network: Network, path: String
    ) throws(ConversionError) -> ReferenceComparison {
        let pictureSize = reference.input.count / reference.pictureCount
        var logits: [Float] = []
        do {
            let plan = try Plan(
                network, height: reference.height, width: reference.width, numerics: .strict,
                memory: reference.pictureCount == 1 ? .small : .fast, pool: pool)
            let context = try PlanContext(plan, pool: pool)
            for picture in 0..<reference.pictureCount {
                let range = picture * pictureSize..<(picture + 1) * pictureSize
                logits += context.run(Array(reference.input[range]), count: 1)
            }
        } catch { throw .plan(path: "\(reference.path): tensor `input`", error) }
        let comparison = OutputComparison(
            name: "logits", kind: "network", unfused: reference.logits.map(Double.init),
            folded: logits)
        return ReferenceComparison(
            path: reference.path, pictureCount: reference.pictureCount, height: reference.height,
            width: reference.width, error: comparison.error, tolerance: options.logitTolerance)
    }

    /// Compares the unfused `network` with `folded`.
    ///
    /// - Throws: ``ConversionError/otherNetwork(model:checkpoint:expected:found:)`` when the two are not of
    ///   one graph.
    package func compare(
        _ network: TrainingNetwork, with folded: Network, modelPath: String = "folded network",
        progress: ConversionProgress.Observer? = nil
    ) throws(ConversionError) -> Verification {
        if let difference = GraphDifference(expected: network.graph, found: folded.graph) {
            throw .otherNetwork(
                model: modelPath, checkpoint: network.path, expected: difference.expected,
                found: difference.found)
        }
        let size = try VerificationInput.size(
            for: network.graph, options: options, path: network.path)
        var options = options
        var found = try compare(
            network, with: folded, size: size, options: options, progress: progress)
        while found.isInconclusive, options.seed &- self.options.seed < Verifier.mostOtherPictures {
            options.seed &+= 1
            found = try compare(
                network, with: folded, size: size, options: options, progress: progress)
        }
        return found.verification
    }

    /// How many more pictures are tried while their logits cancel.
    private static let mostOtherPictures = 7

    /// A comparison on one picture.
    private struct Attempt {
        let verification: Verification
        /// Whether the logits are small only because their terms cancel: all are below a tenth of the root of
        /// their terms' squared sum. With one or two classes that comes about by chance.
        let logitsCancel: Bool

        /// Every block is right, and an error relative to such logits says nothing.
        var isInconclusive: Bool {
            logitsCancel && verification.failures == [verification.logits]
        }
    }

    private func compare(
        _ network: TrainingNetwork, with folded: Network, size: Int, options: VerificationOptions,
        progress: ConversionProgress.Observer?
    ) throws(ConversionError) -> Attempt {
        let kindByName = Dictionary(
            uniqueKeysWithValues: network.blocks.map { (ByteName($0.name), $0.kind.rawValue) })
        let count = network.blocks.count + 1
        var noise = VerificationNoise(seed: options.seed)
        let input = noise.values(network.graph.inputChannels * size * size)
        var blocks: [OutputComparison] = []
        var features: [Double] = []
        let unfusedLogits = try network.interpret(
            FeatureMap(
                shape: Shape(
                    channels: network.graph.inputChannels, height: size, width: size),
                values: input.map(Double.init))
        ) { (node, input, output) throws(ConversionError) in
            progress?(.verifying(index: blocks.count, count: count, name: node.name))
            features = input.values
            func comparison(
                _ input: FeatureMap, _ output: FeatureMap
            ) throws(ConversionError) -> OutputComparison {
                OutputComparison(
                    name: node.name, kind: kindByName[node.name] ?? "linear",
                    unfused: output.values,
                    folded: try run(node, of: folded, on: input, path: network.path))
            }
            let random = noise.featureMap(like: input.shape, output: output.shape)
            var result = try comparison(random, try network.interpret(node, random))
            // A single class's logit may be near 0 by chance, and any error large beside it.
            if case .convolution = node.operation {
                let inPlace = try comparison(input, output)
                if inPlace.error > result.error { result = inPlace }
            }
            blocks.append(result)
        }
        let foldedLogits: PerNumerics<[Float]>
        do {
            foldedLogits = PerNumerics(
                fast: try run(folded, on: input, size: size, numerics: .fast),
                strict: try run(folded, on: input, size: size, numerics: .strict))
        } catch { throw .plan(path: network.path, error) }
        return Attempt(
            verification: Verification(
                options: options, inputSize: size, blocks: blocks, unfusedLogits: unfusedLogits,
                foldedLogits: foldedLogits),
            logitsCancel: Verifier.cancel(unfusedLogits, of: features, folded))
    }

    /// Logits of the folded network.
    private func run(
        _ network: Network, on picture: [Float], size: Int, numerics: Numerics
    ) throws(PlanError) -> [Float] {
        let plan = try Plan(
            network, height: size, width: size, numerics: numerics, memory: .small,
            budget: options.budget, pool: pool)
        return try PlanContext(plan, pool: pool).run(picture, count: 1)
    }

    /// One layer of the folded network in the Float32 executor, without its ReLU, on `input` rounded.
    private func run(
        _ node: Node, of network: Network, on input: FeatureMap, path: String
    ) throws(ConversionError) -> [Float] {
        let convolution: Convolution
        switch node.operation {
        case .convolution(let layer):
            convolution = layer.with(.identity)
        case .linear(let layer):
            // A matrix product is a 1x1 convolution of one pixel.
            convolution = layer.convolution
        case .maxPool, .add, .globalAveragePool: return []
        }
        let weight = network.tensors["\(convolution.parameters).weight"]!
        let bias = network.tensors["\(convolution.parameters).bias"]!
        do {
            return try convolution.evaluate(
                weight: weight, bias: bias, input: input.rounded, height: input.shape.height,
                width: input.shape.width, pool: pool
            ).values
        } catch { throw .plan(path: path, error) }
    }
}
