import COrepaKernels
import OrepaFiles
import OrepaNetwork
import OrepaThreads

extension PlanBlueprint {
    /// Under which name a model's file holds the packed weights of this blueprint:
    /// `orepa.packed.<version of packing>.<instruction set>.<numerics>.<height>x<width>`.
    public var packedName: String {
        ModelFile.packedPrefix
            + "\(OREPA_PACKING_VERSION).\(instructionSet).\(numerics).\(height)x\(width)"
    }

    /// The packed weights of this blueprint in `model`, or nil when it has none.
    ///
    /// Their number must fit, and the biases within be the network's: that tells the packed weights of another network, not
    /// those of someone who means to deceive.
    ///
    /// - Throws: ``PlanError/model(_:)`` with ``ModelFileError/malformed(path:field:expected:found:)``.
    func packed(in model: ModelFile) throws(PlanError) -> Tensor? {
        let name = packedName
        guard let tensor = model.packed[ByteName(name)] else { return nil }
        guard tensor.shape == [packedCount] else {
            throw .model(
                .malformed(
                    path: model.path, field: name, expected: "shape [\(packedCount)]",
                    found: "\(tensor.shape)"))
        }
        if let parameters = firstForeignBias(in: tensor, of: model.network) {
            throw .model(
                .malformed(
                    path: model.path, field: name, expected: "the weights of this network",
                    found: "another bias than `\(parameters).bias`"))
        }
        return tensor
    }
}

extension ModelFile {
    /// Adds the weights as ``PlanMemory/fast`` keeps them for the model's own input size on `instructionSet`, in
    /// place of those of the same name, if any. Takes twice their memory.
    ///
    /// - Parameter instructionSet: At most the machine's best.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses memory, ``PlanError/model(_:)`` when
    ///   an algorithm in the file does not take its layer, ``PlanError/overBudget(_:most:found:)``.
    public mutating func pack(
        for instructionSet: InstructionSet, numerics: Numerics = .fast,
        budget: ModelBudget = .default, pool: WorkerPool
    ) throws(PlanError) {
        let blueprint = try PlanBlueprint(
            self, numerics: numerics, instructionSet: instructionSet,
            threadCount: pool.threadCount)
        try budget.check(
            blueprint, memory: blueprint.memoryUse(.fast, threadCount: pool.threadCount))
        let weights = try PlanWeights(packing: blueprint, of: network, pool: pool)
        try PlanError.check(count: blueprint.packedCount, size: MemoryLayout<Float>.size)
        packed[ByteName(blueprint.packedName)] = Tensor(
            shape: [blueprint.packedCount], values: weights.keptValues)
    }
}
