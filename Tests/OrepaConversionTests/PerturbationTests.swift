import OrepaCheckpoint
import OrepaConversion
import OrepaFold
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

/// A change of one tensor in one of the two paths only is found, whichever tensor of whichever block it is.
@Suite struct PerturbationTests {
    enum Change: String, CaseIterable, Sendable {
        /// Every value by 1 %.
        case all
        /// The largest value by 1 %.
        case largest
        /// The last value that has an effect, by as much as the largest, since others may scale it down.
        case last
    }

    /// A tensor of a block, for each kind of block, grouped and not, and each tensor that it may have.
    private struct Target {
        let random: RandomCheckpoint
        let block: String
        let tensor: String
    }

    private static func targets() throws -> [String: Target] {
        var targets: [String: Target] = [:]
        for type in RandomCheckpoint.BlockType.allCases where type != .mixed {
            for family in RandomCheckpoint.Architecture.Family.allCases {
                for seed in 0..<12 as Range<UInt64> {
                    let random = RandomCheckpoint(family, type, seed: seed)
                    let network = try TrainingNetwork(Checkpoint(random.file()))
                    for block in network.blocks {
                        let isGrouped = block.convolution.groups > 1
                        for (name, tensor) in block.tensors {
                            let what =
                                "\(block.kind.rawValue)\(isGrouped ? " in groups" : ""): \(name.text)"
                            targets[what] =
                                targets[what]
                                ?? Target(
                                    random: random, block: block.name,
                                    tensor: tensor.name)
                        }
                    }
                    for name in ["linear.weight", "linear.bias"] {
                        targets[name] = Target(random: random, block: "linear", tensor: name)
                    }
                }
            }
        }
        return targets
    }

    @Test(arguments: Change.allCases) func everyChangeIsFound(change: Change) throws {
        let verifier = VerifierTests.verifier()
        let targets = try PerturbationTests.targets()
        // Fewer would mean that a kind of block or a branch is not drawn any more.
        #expect(targets.count >= 130)
        for (what, target) in targets.sorted(by: { $0.key < $1.key }) {
            var changed = target.random
            PerturbationTests.apply(change, to: &changed[target.tensor]!.values, what)
            let original = try TrainingNetwork(Checkpoint(target.random.file()))
            let perturbed = try TrainingNetwork(Checkpoint(changed.file()))
            for (unfused, folded) in [(original, perturbed), (perturbed, original)] {
                let found = try verifier.compare(unfused, with: folded.folded())
                #expect(
                    found.failures.first?.name == target.block, "\(what) of \(target.tensor)")
            }
        }
    }

    private static func apply(_ change: Change, to values: inout [Float], _ what: String) {
        var used = values.indices
        // A sixth row, which an identity branch brings, is not used.
        if what.hasSuffix("rbr_dense.vector") { used = used.prefix(values.count / 6 * 5) }
        // A third of the channels has a frequency filter of zeros, the first has not.
        if what.hasSuffix("pfir_conv") { used = used.prefix(1) }
        let largest = used.max { abs(values[$0]) < abs(values[$1]) }!
        switch change {
        case .all: values = values.map { $0 * 1.01 }
        case .largest: values[largest] *= 1.01
        case .last: values[used.last!] += values[largest]
        }
    }
}
