import OrepaNetwork
import OrepaThreads

/// Where the steps of a plan find their packed weights.
struct PlanWeights: Sendable {
    private enum Place: Sendable {
        /// The step has none.
        case none
        /// From this element of the kept weights on.
        case kept(offset: Int)
        /// Packed before each run.
        case packedAtUse(ConvolutionKernel, weight: Tensor, bias: Tensor)
    }

    /// What keeps the memory of kept weights.
    private enum Owner: Sendable {
        case nobody
        case plan(AlignedMemory)
        case file(Tensor)
    }

    private let places: [Place]
    private let owner: Owner
    /// Start of the kept weights; valid for as long as the owner lives.
    private nonisolated(unsafe) let base: UnsafePointer<Float>?

    /// Weights that are packed each time before their step runs.
    init(of network: Network, in blueprint: PlanBlueprint) {
        owner = .nobody
        base = nil
        places = blueprint.steps.map { step in
            guard let convolution = step.convolution else { return .none }
            return .packedAtUse(
                convolution.kernel, weight: convolution.weight(of: network),
                bias: convolution.bias(of: network))
        }
    }

    /// Packs the weights of all steps into one piece of memory. Of a mapped model file the pages that were read
    /// are given back.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses it, and what `watch` says.
    init(
        packing blueprint: PlanBlueprint, of network: Network, pool: WorkerPool,
        watch: CallWatch? = nil
    ) throws(PlanError) {
        let memory = try AlignedMemory(count: blueprint.packedCount)
        for (step, offset) in zip(blueprint.steps, blueprint.packedOffsets) {
            guard let convolution = step.convolution else { continue }
            let weight = convolution.weight(of: network)
            convolution.kernel.pack(
                into: memory.base + offset, weight: weight, bias: convolution.bias(of: network),
                pool: pool, watch: watch)
            try PlanError.check(watch)
            weight.releasePages()
        }
        self.init(kept: .plan(memory), at: memory.base, in: blueprint)
    }

    /// Uses `tensor`, packed for `blueprint`, where it is, or nil when it is not aligned to 64 bytes.
    init?(using tensor: Tensor, in blueprint: PlanBlueprint) {
        guard let base = tensor.stableAddress, UInt(bitPattern: base) % 64 == 0 else { return nil }
        self.init(kept: .file(tensor), at: base, in: blueprint)
    }

    /// Copies `tensor`, packed for `blueprint`.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses memory, and what `watch` says.
    init(
        copying tensor: Tensor, in blueprint: PlanBlueprint, pool: WorkerPool,
        watch: CallWatch? = nil
    ) throws(PlanError) {
        let memory = try AlignedMemory(count: blueprint.packedCount)
        // Some pages of the file at a time, so that it and the copy are not both resident.
        let part = 4 << 20
        for start in stride(from: 0, to: tensor.count, by: part) {
            let range = start..<min(start + part, tensor.count)
            try PlanError.check(watch)
            tensor.withUnsafeBufferPointer {
                memory.copy(UnsafeBufferPointer(rebasing: $0[range]), to: start, pool: pool)
            }
            tensor.releasePages(of: range)
        }
        self.init(kept: .plan(memory), at: memory.base, in: blueprint)
    }

    private init(kept owner: Owner, at base: UnsafePointer<Float>, in blueprint: PlanBlueprint) {
        self.owner = owner
        self.base = base
        // By index: an optional step, as `zip` gives, is told from nil by bits that some of its cases leave undefined,
        // which memory checkers report.
        places = blueprint.steps.indices.map { index in
            guard blueprint.steps[index].convolution != nil else { return .none }
            return .kept(offset: blueprint.packedOffsets[index])
        }
    }

    /// Elements in memory of the plan's own.
    var ownCount: Int { if case .plan(let memory) = owner { memory.count } else { 0 } }

    /// A copy of the plan's own packed weights.
    var keptValues: [Float] {
        guard case .plan(let memory) = owner else { return [] }
        // Memory: checked by whoever packs a file.
        return Array(UnsafeBufferPointer(start: memory.base, count: memory.count))
    }

    /// The kept packed weights of the step `index`. Of a step without weights some address that is not to be read.
    ///
    /// - Precondition: weights are kept.
    func ready(_ index: Int) -> UnsafePointer<Float> {
        if case .kept(let offset) = places[index] { return base! + offset }
        return base!
    }

    /// The packed weights of the step `index`: those that are kept, or else they are packed into `memory` now. Of a
    /// step without weights some address that is not to be read.
    func ready(
        _ index: Int, packingInto memory: UnsafeMutablePointer<Float>, pool: WorkerPool,
        watch: CallWatch?
    ) -> UnsafePointer<Float> {
        switch places[index] {
        case .none: break
        case .kept(let offset): return base! + offset
        case .packedAtUse(let kernel, let weight, let bias):
            kernel.pack(into: memory, weight: weight, bias: bias, pool: pool, watch: watch)
            weight.releasePages()
        }
        return UnsafePointer(memory)
    }
}

extension PlanBlueprint {
    /// The parameters of the first step whose bias in `packed`, which has ``packedCount`` elements, is not the
    /// network's; nil when all are.
    func firstForeignBias(in packed: Tensor, of network: Network) -> String? {
        packed.withUnsafeBufferPointer { packed in
            for (step, offset) in zip(steps, packedOffsets) {
                guard let parameters = step.convolution?.parameters else { continue }
                let isSame = network.tensors["\(parameters).bias"]!.withUnsafeBufferPointer {
                    bias in
                    bias.indices.allSatisfy {
                        packed[offset + $0].bitPattern == bias[$0].bitPattern
                    }
                }
                if !isSame { return parameters }
            }
            return nil
        }
    }
}
