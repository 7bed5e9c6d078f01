import Glibc
import OrepaCheckpoint
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads
import OrepaTraining

/// What a deployed model gets beside its network, and how it is checked.
public struct ConversionOptions: Sendable {
    /// Class names in the order of the logits, or nil.
    public var labels: [String]?
    public var preprocessing: Preprocessing
    /// For which instruction sets the file also holds packed weights; each at most this machine's best.
    public var packing: [InstructionSet]
    public var verification: VerificationOptions
    /// What the checkpoint does not say about the network.
    public var network: NetworkOptions
    /// Whether the probe is run where the checkpoint is itself a deployed model that has one: by the model, and by what
    /// is to be written.
    public var checksProbe: Bool
    /// Logits that the network has to give, or nil.
    public var reference: Reference?
    /// Whether a file that is there may be replaced.
    public var overwrite: Bool
    /// Name and version of the program, which the model file records.
    public var tool: String

    public init(
        labels: [String]? = nil, preprocessing: Preprocessing = .imageNet,
        packing: [InstructionSet] = [], verification: VerificationOptions = .init(),
        network: NetworkOptions = .init(), checksProbe: Bool = true,
        reference: Reference? = nil,
        overwrite: Bool = false, tool: String
    ) {
        self.labels = labels
        self.preprocessing = preprocessing
        self.packing = packing
        self.verification = verification
        self.network = network
        self.checksProbe = checksProbe
        self.reference = reference
        self.overwrite = overwrite
        self.tool = tool
    }
}

/// Makes deployed models of training checkpoints: folds, verifies, writes.
public struct Converter {
    public let options: ConversionOptions
    private let verifier: Verifier
    private let pool: WorkerPool

    /// What a conversion has made.
    public struct Result: Sendable {
        /// The model as it was written.
        public let model: ModelFile
        /// Nil when the checkpoint was folded already, so that there was nothing to verify.
        public let verification: Verification?
        /// Nil when there was no reference to hold the network against.
        public let reference: ReferenceComparison?
    }

    /// - Parameter pool: The threads on which the folded network runs when it is verified, and that pack.
    public init(options: ConversionOptions, pool: WorkerPool = WorkerPool()) {
        self.options = options
        self.pool = pool
        verifier = Verifier(options: options.verification, pool: pool)
    }

    /// Folds the network of `checkpoint`, verifies it and writes the model to `path`.
    ///
    /// Takes, beside the folded weights, one block's in Float64 and feature maps. What can be wrong with the
    /// options is found before anything is folded. Of a checkpoint that is itself a deployed model the graph is kept: it
    /// is refused where its tensors, with the options, are recognised as another network.
    ///
    /// - Throws: ``ConversionError``, ``ConversionError/notVerified(path:_:)`` among others. Then no file
    ///   was written, and one that was there is as it was.
    public func convert(
        _ checkpoint: Checkpoint, to path: String, progress: ConversionProgress.Observer? = nil
    ) throws(ConversionError) -> Result {
        try convert(RecognizedCheckpoint(checkpoint), to: RawPath(path), progress: progress)
    }

    /// The same for a checkpoint that is recognised already, and for a path that need not be UTF-8.
    public func convert(
        _ recognized: RecognizedCheckpoint, to output: RawPath,
        progress: ConversionProgress.Observer? = nil
    ) throws(ConversionError) -> Result {
        let path = output.description
        let (checkpoint, deployed) = (recognized.checkpoint, recognized.deployedModel)
        let network = try recognized.trainingNetwork(options.network)
        try check(network, output: output)
        if let deployed {
            try DocumentCheck(model: deployed, path: checkpoint.path).check(recognized: network)
            try checkProbe(of: deployed, progress: progress)
        }
        try ConversionLibraries.load()
        let digest = FileDigest.Pending(of: checkpoint.file)
        defer { withExtendedLifetime(digest) {} }
        let folded = try network.folded(reporting: progress)
        if let deployed {
            let renewed: ModelFile
            do {
                renewed = try ModelFile(
                    network: folded, description: deployed.description, path: checkpoint.path)
            } catch { throw .model(error) }
            try checkProbe(of: renewed, progress: progress)
        }
        var verification: Verification?
        if !network.isFolded {
            let found = try verifier.compare(network, with: folded, progress: progress)
            guard found.passed else { throw .notVerified(path: checkpoint.path, found) }
            verification = found
        }
        let assumptions = network.assumptions(
            stateDict: checkpoint.location, inputSize: options.preprocessing.crop
        ).completed(by: deployed?.description.assumptions, isSameFile: network.isFolded)
        var comparison: ReferenceComparison?
        if let reference = options.reference {
            progress?(.reference)
            let found = try verifier.compare(reference, with: folded, path: checkpoint.path)
            guard found.passed else {
                throw .otherLogits(
                    path: checkpoint.path, found, assumptions,
                    counterparts: checkpoint.counterparts)
            }
            comparison = found
        }
        progress?(.probing)
        let (algorithms, probe) = try probe(
            folded, seed: verification?.seed ?? options.verification.seed, path: checkpoint.path)
        progress?(.checksum)
        let sha256 = try ConversionLibraries.digest(digest.value())
        let description = ModelDescription(
            family: network.family.rawValue, blocks: network.blockCounts,
            preprocessing: options.preprocessing, labels: options.labels,
            source: .init(name: Converter.fileName(of: checkpoint.path), sha256: sha256),
            verification: verification?.record, assumptions: assumptions, algorithms: algorithms,
            probe: probe,
            tool: options.tool)
        var model: ModelFile
        do {
            model = try ModelFile(network: folded, description: description, path: path)
        } catch { throw .model(error) }
        for instructionSet in options.packing {
            do {
                try model.pack(
                    for: instructionSet, budget: options.verification.budget, pool: pool)
            } catch {
                throw .plan(path: path, error)
            }
        }
        progress?(.writing)
        do { try model.write(to: output, overwrite: options.overwrite) } catch {
            if case .file(let error) = error { throw .output(error) }
            throw .model(error)
        }
        return Result(model: model, verification: verification, reference: comparison)
    }

    private func checkProbe(
        of model: ModelFile, progress: ConversionProgress.Observer?
    ) throws(ConversionError) {
        guard options.checksProbe, model.description.probe != nil else { return }
        progress?(.probing)
        do { try model.checkProbe(budget: options.verification.budget, pool: pool) } catch {
            if case .model(let error) = error { throw .model(error) }
            throw .plan(path: model.path, error)
        }
    }

    /// How the layers of the folded network are computed on pictures of the model's own size, and what comes out for
    /// the picture of `seed`.
    private func probe(
        _ folded: Network, seed: UInt64, path: String
    ) throws(ConversionError) -> (PerNumerics<[ByteName: LayerAlgorithm]>, ModelProbe) {
        let crop = options.preprocessing.crop
        let picture = ModelProbe.picture(
            seed: seed, channels: folded.graph.inputChannels, height: crop, width: crop)
        func run(
            _ numerics: Numerics
        ) throws(ConversionError) -> (algorithms: [ByteName: LayerAlgorithm], logits: [Float]) {
            let plan: Plan
            let logits: [Float]
            do {
                plan = try Plan(
                    folded, height: crop, width: crop, numerics: numerics, memory: .small,
                    budget: options.verification.budget, pool: pool)
                logits = try PlanContext(plan, pool: pool).run(picture, count: 1)
            } catch { throw .plan(path: path, error) }
            guard logits.allSatisfy(\.isFinite) else {
                throw .notFinite(path: path, numerics: numerics)
            }
            return (plan.blueprint.algorithms, logits)
        }
        let (fast, strict) = (try run(.fast), try run(.strict))
        return (
            PerNumerics(fast: fast.algorithms, strict: strict.algorithms),
            ModelProbe(
                seed: seed, logits: PerNumerics(fast: fast.logits, strict: strict.logits))
        )
    }

    /// Finds what can be known to go wrong before the work begins.
    private func check(_ network: TrainingNetwork, output: RawPath) throws(ConversionError) {
        try options.verification.check()
        if let invalid = options.preprocessing.invalidField(
            channels: network.graph.inputChannels)
        {
            throw .preprocessing(
                path: network.path, field: invalid.name, expected: invalid.expected,
                found: invalid.found)
        }
        if let labels = options.labels, labels.count != network.graph.classCount {
            throw .labelCount(
                path: network.path, expected: network.graph.classCount, found: labels.count)
        }
        if let reference = options.reference {
            try reference.check(against: network.graph)
        }
        let crop = options.preprocessing.crop
        do { _ = try network.graph.shapes(height: crop, width: crop) } catch {
            throw .network(path: network.path, error)
        }
        if !network.isFolded {
            _ = try VerificationInput.size(
                for: network.graph, options: options.verification, path: network.path)
        }
        var status = stat()
        if !options.overwrite, output.withCString({ lstat($0, &status) }) == 0 {
            throw .output(.exists(path: output.description))
        }
    }

    private static func fileName(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
