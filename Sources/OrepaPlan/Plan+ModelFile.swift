import OrepaFiles
import OrepaNetwork
import OrepaThreads

extension PlanBlueprint {
    /// Plans the network of `model`, for its own input size unless another is given. Layers are computed as the
    /// model's file says; for another size, or by a file that does not say, as their shapes and the numerics do.
    ///
    /// - Parameter threadCount: How many threads are expected to share the work; a hint for cutting it.
    /// - Throws: ``PlanError`` when the network cannot take an input of that size, when an algorithm in the file does
    ///   not take its layer, or when `instructionSet` is nil and ``InstructionSet/current()`` throws.
    public init(
        _ model: ModelFile, height: Int? = nil, width: Int? = nil, numerics: Numerics = .fast,
        instructionSet: InstructionSet? = nil, threadCount: Int
    ) throws(PlanError) {
        let crop = model.description.preprocessing.crop
        let (height, width) = (height ?? crop, width ?? crop)
        let stored =
            height == crop && width == crop ? model.description.algorithms?[numerics] : nil
        try PlanBlueprint.check(stored ?? [:], of: model, numerics)
        do throws(PlanError) {
            try self.init(
                model.network.graph, height: height, width: width, numerics: numerics,
                algorithms: stored ?? [:], instructionSet: instructionSet,
                threadCount: threadCount)
        } catch {
            guard case .algorithm(let layer, let algorithm) = error else { throw error }
            throw .model(
                .malformed(
                    path: model.path, field: "algorithms.\(numerics.rawValue).\(layer).name",
                    expected: "an algorithm that takes the layer", found: algorithm.name))
        }
    }

    /// With fewer channels than a block of the kernels has, transformed weights would take up to 63 times the memory of
    /// plain ones: no file may ask for that.
    private static func check(
        _ algorithms: [ByteName: LayerAlgorithm], of model: ModelFile, _ numerics: Numerics
    ) throws(PlanError) {
        for node in model.network.graph.nodes {
            guard case .convolution(let convolution) = node.operation,
                case .winograd? = algorithms[ByteName(node.name)],
                min(convolution.inputChannels, convolution.outputChannels)
                    < LayerAlgorithm.leastChannelsOfWinograd
            else { continue }
            throw .model(
                .malformed(
                    path: model.path, field: "algorithms.\(numerics.rawValue).\(node.name).name",
                    expected:
                        "direct or grouped for fewer than \(LayerAlgorithm.leastChannelsOfWinograd) channels",
                    found: "winograd"))
        }
    }
}

extension Plan {
    /// Plans the network of `model`, for its own input size unless another is given. Layers are computed as the
    /// model's file says; for another size, or by a file that does not say, as their shapes and the numerics do.
    ///
    /// - Parameters:
    ///   - trustsPackedWeights: Whether packed weights that the file has for the size, numerics and instruction set are
    ///     used instead of packing, unless memory is to be ``PlanMemory/small``. Nothing shows that they are the network's:
    ///     whoever wrote the file decides what is computed.
    ///   - budget: What it may cost with one context.
    ///   - pool: The threads that pack or copy.
    ///   - limits: When to end early.
    /// - Throws: ``PlanError`` when the network cannot take an input of that size, when an algorithm in the file does
    ///   not take its layer, when the file's packed weights do not fit, when it costs too much, for want of memory, when a
    ///   limit is reached, or when `instructionSet` is nil and ``InstructionSet/current()`` throws.
    public init(
        _ model: ModelFile, height: Int? = nil, width: Int? = nil, numerics: Numerics = .fast,
        instructionSet: InstructionSet? = nil, memory: PlanMemory = .fast,
        trustsPackedWeights: Bool = false, budget: ModelBudget = .default, pool: WorkerPool,
        limits: CallLimits = CallLimits()
    ) throws(PlanError) {
        let blueprint = try PlanBlueprint(
            model, height: height, width: width, numerics: numerics,
            instructionSet: instructionSet, threadCount: pool.threadCount)
        let packed =
            trustsPackedWeights && memory != .small ? try blueprint.packed(in: model) : nil
        try self.init(
            blueprint, of: model.network, packed: packed, memory: memory, budget: budget,
            pool: pool,
            limits: limits)
    }
}
