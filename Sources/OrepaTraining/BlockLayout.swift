import OrepaFiles
import OrepaNetwork

/// A tensor that a block holds: its name under the block's prefix, and its shape.
package struct ExpectedTensor: Sendable, Hashable {
    package let name: String
    package let shape: [Int]
}

/// Input and output channels, groups and kernel size of a block's folded convolution.
package struct BlockGeometry: Sendable, Hashable {
    package let outputChannels: Int
    package let inputChannels: Int
    package let groups: Int
    package let kernel: Int

    package init(outputChannels: Int, inputChannels: Int, groups: Int, kernel: Int) {
        self.outputChannels = outputChannels
        self.inputChannels = inputChannels
        self.groups = groups
        self.kernel = kernel
    }
}

/// Which tensors a block of each kind holds, as the published training code registers them.
package enum BlockLayout {
    /// Depthwise channels per input channel in OREPA's separable branch.
    package static let depthwiseExpansion = 8

    /// The most weights that 3x3 kernels may compose to: a small file can ask for a kernel of any size.
    static let largestComposed = 1 << 25

    /// The tensors of a block. `found`, the names under the prefix that the file has, decides where the
    /// published code has a choice: an identity branch, the width of a hidden layer, the folded name.
    package static func tensors(
        _ kind: BlockKind, _ geometry: BlockGeometry, found: [ByteName: [Int]]
    ) -> [ExpectedTensor] {
        var list = ExpectedTensors()
        let (o, g, k) = (geometry.outputChannels, geometry.groups, geometry.kernel)
        let i = geometry.inputChannels / g
        switch kind {
        case .convBN:
            list.add(BlockNames.convBN, [o, i, k, k])
        case .repVGG:
            list.add(BlockNames.RepVGG.dense, [o, i, 3, 3])
            list.addPointwiseAndIdentity(o, i, found)
        case .orepaRepVGG:
            list.addGeneratedRepVGG(o, i, found)
            list.add(BlockNames.RepVGG.dense.norm, o)
            list.addPointwiseAndIdentity(o, i, found)
        case .orepa:
            list.add(BlockNames.OREPA.generated, geometry)
            list.add(BlockNames.OREPA.norm, o)
        case .orepa1x1:
            let inner = min(o, i)
            list.add(BlockNames.OREPA1x1.origin, [o, i, 1, 1])
            list.add(BlockNames.OREPA1x1.first, [inner, i, 1, 1])
            list.add(BlockNames.OREPA1x1.second, [o, inner, 1, 1])
            list.add(BlockNames.OREPA1x1.vector, [2, o])
            list.add(BlockNames.OREPA1x1.norm, o)
        case .orepaLarge:
            var previous = geometry.inputChannels
            let count = largeCount(found)
            for step in 0..<count {
                let shape = found[largeLeading(step, found)]
                let width = step == count - 1 ? o : channels(shape)
                let plain = BlockNames.OREPALarge.plain(step)
                if found[plain] != nil {
                    list.add(plain, [width, previous, 3, 3])
                } else {
                    let geometry = BlockGeometry(
                        outputChannels: width, inputChannels: previous, groups: 1, kernel: 3)
                    list.add(BlockNames.OREPALarge.generated(step), geometry)
                }
                previous = width
            }
            list.add(BlockNames.OREPALarge.norm, o)
        case .dbb:
            list.addDiverseBranches(geometry)
        case .folded:
            let names = BlockNames.folded(usedFoldedName(found))
            list.add(names.weight, [o, i, k, k])
            list.add(names.bias, [o])
        }
        return list.tensors
    }

    /// The channels that the first extent of a file's tensor stands for: 1 to ``Graph/largestDimension``, so that what
    /// is calculated from it stays far from overflow before the tensor is checked.
    fileprivate static func channels(_ shape: [Int]?) -> Int {
        min(max(shape?.first ?? 1, 1), Graph.largestDimension)
    }

    /// All names that a block of this kind may have, whatever its shape; `num_batches_tracked` left out.
    static func names(_ kind: BlockKind, found: [ByteName: [Int]]) -> [String] {
        let general = BlockGeometry(outputChannels: 2, inputChannels: 2, groups: 1, kernel: 3)
        var names = tensors(kind, general, found: found).map(\.name)
        if kind == .dbb { names.append(BlockNames.DBB.wideningPointwise.weight) }
        return names
    }

    /// The tensor whose shape gives a block's channels, groups and kernel.
    static func leading(_ kind: BlockKind, found: [ByteName: [Int]]) -> String {
        switch kind {
        case .convBN: BlockNames.convBN.weight
        case .repVGG: BlockNames.RepVGG.dense.weight
        case .orepaRepVGG: BlockNames.RepVGG.generated.origin
        case .orepa: BlockNames.OREPA.generated.origin
        case .orepa1x1: BlockNames.OREPA1x1.origin
        case .orepaLarge: largeLeading(0, found)
        case .dbb: BlockNames.DBB.origin.weight
        case .folded: BlockNames.folded(usedFoldedName(found)).weight
        }
    }

    /// The tensor that holds, or stands for, the `step`th 3x3 kernel of an OREPA large convolution.
    static func largeLeading(_ step: Int, _ found: [ByteName: [Int]]) -> String {
        let plain = BlockNames.OREPALarge.plain(step)
        return found[plain] == nil ? BlockNames.OREPALarge.generated(step).origin : plain
    }

    /// How many 3x3 kernels an OREPA large convolution is made of: one more than the highest number in
    /// its names, at least one.
    package static func largeCount(_ found: [ByteName: [Int]]) -> Int {
        var count = 1
        let stem = BlockNames.OREPALarge.stem
        for name in found.keys where name.hasPrefix(stem) {
            let digits = name.text.dropFirst(stem.count).prefix { $0 != "." }
            // A file that skips a number lacks tensors; one that skips many has no sensible count.
            if let step = Int(digits), String(step) == digits, step < found.count {
                count = max(count, step + 1)
            }
        }
        return count
    }

    /// The name of the folded convolution that `found` has, or else the plainest.
    static func usedFoldedName(_ found: [ByteName: [Int]]) -> String {
        let names = Set(BlockKind.allCases.compactMap(\.foldedName)).sorted()
        func tensors(_ name: String) -> [[Int]] {
            let (weight, bias) = BlockNames.folded(name)
            return [found[weight], found[bias]].compactMap(\.self)
        }
        return names.first { tensors($0).count == 2 } ?? names.first { !tensors($0).isEmpty }
            ?? names[0]
    }
}

/// A list of expected tensors under construction.
private struct ExpectedTensors {
    var tensors: [ExpectedTensor] = []

    mutating func add(_ name: String, _ shape: [Int]) {
        tensors.append(ExpectedTensor(name: name, shape: shape))
    }

    mutating func add(_ norm: BatchNormNames, _ channels: Int) {
        for name in norm.all { add(name, [channels]) }
    }

    /// A convolution and its batch norm.
    mutating func add(_ names: ConvolutionNames, _ shape: [Int]) {
        add(names.weight, shape)
        add(names.norm, shape[0])
    }

    mutating func addPointwiseAndIdentity(_ o: Int, _ i: Int, _ found: [ByteName: [Int]]) {
        add(BlockNames.RepVGG.pointwise, [o, i, 1, 1])
        if hasIdentity(found) { add(BlockNames.RepVGG.identity, o) }
    }

    /// Whether any tensor of the identity branch is there.
    private func hasIdentity(_ found: [ByteName: [Int]]) -> Bool {
        let norm = BlockNames.RepVGG.identity
        return found.keys.contains { $0.hasPrefix(norm.module + ".") }
    }

    mutating func addGeneratedRepVGG(_ o: Int, _ i: Int, _ found: [ByteName: [Int]]) {
        let expansion = BlockLayout.depthwiseExpansion
        let names = BlockNames.RepVGG.generated
        add(names.origin, [o, i, 3, 3])
        add(names.averagedPointwise, [o, i, 1, 1])
        add(names.average, [3, 3])
        add(names.filteredPointwise, [o, i, 1, 1])
        add(names.prior, [o, 3, 3])
        let hidden = names.wideningPointwise
        if let shape = found[hidden], found[names.identityPointwise] == nil {
            let width = BlockLayout.channels(shape)
            add(hidden, [width, i, 1, 1])
            add(names.second, [o, width, 3, 3])
        } else {
            add(names.identityPointwise, [i, i, 1, 1])
            add(names.identity, [i, i, 1, 1])
            add(names.second, [o, i, 3, 3])
        }
        add(names.depthwise, [expansion * i, 1, 3, 3])
        add(names.depthwisePointwise, [o, expansion * i, 1, 1])
        // A row for the identity branch, which no branch uses. Either number will do.
        let usual = hasIdentity(found) ? 6 : 5
        let stored = found[names.vector]?.first ?? usual
        let rows = stored == 5 || stored == 6 ? stored : usual
        add(names.vector, [rows, o])
    }

    mutating func add(_ names: GeneratedNames, _ geometry: BlockGeometry) {
        let (o, g, k) = (geometry.outputChannels, geometry.groups, geometry.kernel)
        let i = geometry.inputChannels / g
        let inner = g <= 4 ? geometry.inputChannels : 2 * geometry.inputChannels
        let depthwise = BlockLayout.depthwiseExpansion * geometry.inputChannels
        add(names.origin, [o, i, k, k])
        add(names.averagedPointwise, [o, i, 1, 1])
        add(names.average, [k, k])
        add(names.filteredPointwise, [o, i, 1, 1])
        add(names.prior, [o, k, k])
        add(names.identityPointwise, [inner, i, 1, 1])
        add(names.identity, [inner, i, 1, 1])
        add(names.second, [o, inner / g, k, k])
        if let pointwise = names.pointwise { add(pointwise, [o, i, 1, 1]) }
        add(names.depthwise, [depthwise, 1, k, k])
        add(names.depthwisePointwise, [o, depthwise / g, 1, 1])
        add(names.vector, [6, o])
    }

    mutating func addDiverseBranches(_ geometry: BlockGeometry) {
        let (o, g, k) = (geometry.outputChannels, geometry.groups, geometry.kernel)
        let i = geometry.inputChannels / g
        // The published code drops these branches where each output channel is a group of its own.
        let isDepthwise = g == o
        add(BlockNames.DBB.origin, [o, i, k, k])
        if !isDepthwise { add(BlockNames.DBB.pointwise, [o, i, 1, 1]) }
        let inner = isDepthwise ? 2 * geometry.inputChannels : geometry.inputChannels
        add(
            isDepthwise ? BlockNames.DBB.wideningPointwise : BlockNames.DBB.identityPointwise,
            [inner, i, 1, 1])
        add(BlockNames.DBB.second, [o, inner / g, k, k])
        if !isDepthwise { add(BlockNames.DBB.averaged, [o, i, 1, 1]) }
        add(BlockNames.DBB.averageNorm, o)
    }
}
