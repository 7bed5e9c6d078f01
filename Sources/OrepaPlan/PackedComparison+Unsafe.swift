import COrepaKernels
import Glibc
import OrepaNetwork
import OrepaThreads

/// What came out when packed weights of a model's file were held against the network's, packed anew.
public struct PackedComparison: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        /// The same to the bit.
        case equal
        /// Others, first in this layer; nil where they are more or fewer.
        case differs(layer: String?)
        /// Of a form that no plan of this version uses.
        case unknown
    }

    /// In the file.
    public let name: String
    public let outcome: Outcome
}

extension ModelFile {
    /// Packs the network anew for each part of ``packed``, also for instruction sets that this machine lacks, and compares
    /// the bits, one layer at a time. Takes the time of packing, and the memory of the layer that has most weights.
    ///
    /// - Throws: ``PlanError/overBudget(_:most:found:)``, ``PlanError/outOfMemory(byteCount:)``.
    public func comparePacked(
        budget: ModelBudget = .default, pool: WorkerPool
    ) throws(PlanError) -> [PackedComparison] {
        var comparisons: [PackedComparison] = []
        for name in packed.keys.sorted() {
            let outcome: PackedComparison.Outcome
            if let blueprint = blueprint(ofPacked: name.text, threadCount: pool.threadCount) {
                try budget.check(
                    blueprint, memory: blueprint.memoryUse(.small, threadCount: pool.threadCount))
                outcome = try compare(packed[name]!, blueprint, pool: pool)
            } else {
                outcome = .unknown
            }
            comparisons.append(PackedComparison(name: name.text, outcome: outcome))
        }
        return comparisons
    }

    /// The blueprint whose packed weights a file has under that name; nil when there is none.
    private func blueprint(ofPacked name: String, threadCount: Int) -> PlanBlueprint? {
        let parts = name.dropFirst(ModelFile.packedPrefix.count)
            .split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let instructionSet = InstructionSet(rawValue: String(parts[1])),
            let numerics = Numerics(rawValue: String(parts[2]))
        else { return nil }
        let sides = parts[3].split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2,
            let blueprint = try? PlanBlueprint(
                self, height: sides[0], width: sides[1], numerics: numerics,
                instructionSet: instructionSet, threadCount: threadCount)
        else { return nil }
        return blueprint.packedName == name ? blueprint : nil
    }

    private func compare(
        _ packed: Tensor, _ blueprint: PlanBlueprint, pool: WorkerPool
    ) throws(PlanError) -> PackedComparison.Outcome {
        guard packed.shape == [blueprint.packedCount] else { return .differs(layer: nil) }
        let memory = try AlignedMemory(count: blueprint.largestPackedCount)
        for (step, offset) in zip(blueprint.steps, blueprint.packedOffsets) {
            guard let convolution = step.convolution else { continue }
            let weight = convolution.weight(of: network)
            convolution.kernel.pack(
                into: memory.base, weight: weight, bias: convolution.bias(of: network),
                pool: pool, watch: nil)
            weight.releasePages()
            let range = offset..<offset + step.packedCount
            let isEqual = packed.withUnsafeBufferPointer {
                memcmp(
                    $0.baseAddress! + offset, memory.base, range.count * MemoryLayout<Float>.size)
                    == 0
            }
            packed.releasePages(of: range)
            guard isEqual else { return .differs(layer: step.layer) }
        }
        return .equal
    }
}
