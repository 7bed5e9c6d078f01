import OrepaNetwork

/// Where the steps of a plan find their packed weights.
struct PlanWeights: Sendable {
    private enum Place: Sendable {
        /// The step has none.
        case none
        /// From this element of `packed` on.
        case kept(offset: Int)
        /// Packed before each run.
        case packedAtUse(ConvolutionKernel, weight: Tensor, bias: Tensor)
    }

    private let places: [Place]
    private let packed: AlignedMemory?

    /// Weights that are packed each time before their step runs.
    init(of network: Network, in blueprint: PlanBlueprint) {
        packed = nil
        places = blueprint.steps.map { step in
            guard case .convolution(let kernel, let parameters, _) = step.operation else {
                return .none
            }
            return .packedAtUse(
                kernel, weight: network.tensors["\(parameters).weight"]!,
                bias: network.tensors["\(parameters).bias"]!)
        }
    }

    /// Packs the weights of all steps into one piece of memory.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses it.
    init(packing blueprint: PlanBlueprint, of network: Network, pool: WorkerPool) throws(PlanError)
    {
        let memory = try AlignedMemory(count: blueprint.packedCount)
        var offset = 0
        var places: [Place] = []
        for step in blueprint.steps {
            guard case .convolution(let kernel, let parameters, _) = step.operation else {
                places.append(.none)
                continue
            }
            kernel.pack(
                into: memory.base + offset, weight: network.tensors["\(parameters).weight"]!,
                bias: network.tensors["\(parameters).bias"]!, pool: pool)
            places.append(.kept(offset: offset))
            offset += step.packedCount
        }
        self.places = places
        packed = memory
    }

    /// Elements that are kept.
    var keptCount: Int { packed?.count ?? 0 }

    /// The packed weights of the step `index`: those that are kept, or else they are packed into `memory` now. Of a
    /// step without weights some address that is not to be read.
    func ready(
        _ index: Int, packingInto memory: UnsafeMutablePointer<Float>, pool: WorkerPool
    ) -> UnsafePointer<Float> {
        switch places[index] {
        case .none: break
        case .kept(let offset): return UnsafePointer(packed!.base + offset)
        case .packedAtUse(let kernel, let weight, let bias):
            kernel.pack(into: memory, weight: weight, bias: bias, pool: pool)
        }
        return UnsafePointer(memory)
    }
}
