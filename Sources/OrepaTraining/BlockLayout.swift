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

    /// Whether PyTorch would register `name` as a buffer that follows from the block's shape, so that a
    /// file may leave it out.
    package static func isRecomputable(_ name: String) -> Bool {
        let last = name.split(separator: ".").last ?? ""
        return last == "id_tensor" || last == "num_batches_tracked" || last.hasSuffix("_prior")
            || last.hasSuffix("_avg_avg")
    }

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
            list.add("conv.weight", [o, i, k, k])
            list.addBatchNorm("bn", o)
        case .repVGG:
            list.add("rbr_dense.conv.weight", [o, i, 3, 3])
            list.addBatchNorm("rbr_dense.bn", o)
            list.addPointwiseAndIdentity(o, i, found)
        case .orepaRepVGG:
            list.addGeneratedRepVGG(o, i, found)
            list.addBatchNorm("rbr_dense.bn", o)
            list.addPointwiseAndIdentity(o, i, found)
        case .orepa:
            list.addGenerated("", geometry)
            list.addBatchNorm("bn", o)
        case .orepa1x1:
            let inner = min(o, i)
            list.add("weight_or1x1_origin", [o, i, 1, 1])
            list.add("weight_or1x1_l2i_conv1", [inner, i, 1, 1])
            list.add("weight_or1x1_l2i_conv2", [o, inner, 1, 1])
            list.add("vector", [2, o])
            list.addBatchNorm("bn", o)
        case .orepaLarge:
            var previous = geometry.inputChannels
            let count = largeCount(found)
            for step in 0..<count {
                let shape = found[largeLeading(step, found)]
                let width = step == count - 1 ? o : channels(shape)
                if found["weight\(step)"] != nil {
                    list.add("weight\(step)", [width, previous, 3, 3])
                } else {
                    let geometry = BlockGeometry(
                        outputChannels: width, inputChannels: previous, groups: 1, kernel: 3)
                    list.addGenerated("weight\(step).", geometry)
                }
                previous = width
            }
            list.addBatchNorm("bn", o)
        case .dbb:
            list.addDiverseBranches(geometry)
        case .folded:
            let name = foldedName(found) ?? "conv"
            list.add("\(name).weight", [o, i, k, k])
            list.add("\(name).bias", [o])
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
        if kind == .dbb { names.append("dbb_1x1_kxk.conv1.weight") }
        return names
    }

    /// The tensor whose shape gives a block's channels, groups and kernel.
    static func leading(_ kind: BlockKind, found: [ByteName: [Int]]) -> String {
        switch kind {
        case .convBN: "conv.weight"
        case .repVGG: "rbr_dense.conv.weight"
        case .orepaRepVGG: "rbr_dense.weight_rbr_origin"
        case .orepa: "weight_orepa_origin"
        case .orepa1x1: "weight_or1x1_origin"
        case .orepaLarge: largeLeading(0, found)
        case .dbb: "dbb_origin.conv.weight"
        case .folded: "\(foldedName(found) ?? "conv").weight"
        }
    }

    /// The tensor that holds, or stands for, the `step`th 3x3 kernel of an OREPA large convolution.
    package static func largeLeading(_ step: Int, _ found: [ByteName: [Int]]) -> String {
        found["weight\(step)"] == nil ? "weight\(step).weight_orepa_origin" : "weight\(step)"
    }

    /// How many 3x3 kernels an OREPA large convolution is made of: one more than the highest number in
    /// its names, at least one.
    package static func largeCount(_ found: [ByteName: [Int]]) -> Int {
        var count = 1
        for name in found.keys where name.hasPrefix("weight") {
            let digits = name.text.dropFirst("weight".count).prefix { $0 != "." }
            // A file that skips a number lacks tensors; one that skips many has no sensible count.
            if let step = Int(digits), String(step) == digits, step < found.count {
                count = max(count, step + 1)
            }
        }
        return count
    }

    /// The folded convolution that `found` names.
    static func foldedName(_ found: [ByteName: [Int]]) -> String? {
        let names = Set(BlockKind.allCases.compactMap(\.foldedName)).sorted()
        return names.first { found["\($0).weight"] != nil && found["\($0).bias"] != nil }
            ?? names.first { found["\($0).weight"] != nil || found["\($0).bias"] != nil }
    }
}

/// A list of expected tensors under construction.
private struct ExpectedTensors {
    var tensors: [ExpectedTensor] = []

    mutating func add(_ name: String, _ shape: [Int]) {
        tensors.append(ExpectedTensor(name: name, shape: shape))
    }

    mutating func addBatchNorm(_ prefix: String, _ channels: Int) {
        for name in ["weight", "bias", "running_mean", "running_var"] {
            add("\(prefix).\(name)", [channels])
        }
    }

    mutating func addPointwiseAndIdentity(_ o: Int, _ i: Int, _ found: [ByteName: [Int]]) {
        add("rbr_1x1.conv.weight", [o, i, 1, 1])
        addBatchNorm("rbr_1x1.bn", o)
        if hasIdentity(found) { addBatchNorm("rbr_identity", o) }
    }

    private func hasIdentity(_ found: [ByteName: [Int]]) -> Bool {
        found.keys.contains { $0.hasPrefix("rbr_identity.") }
    }

    mutating func addGeneratedRepVGG(_ o: Int, _ i: Int, _ found: [ByteName: [Int]]) {
        let expansion = BlockLayout.depthwiseExpansion
        func name(_ name: String) -> String { "rbr_dense.weight_rbr_\(name)" }
        add(name("origin"), [o, i, 3, 3])
        add(name("avg_conv"), [o, i, 1, 1])
        add(name("avg_avg"), [3, 3])
        add(name("pfir_conv"), [o, i, 1, 1])
        add(name("prior"), [o, 3, 3])
        let hidden = name("1x1_kxk_conv1")
        if let shape = found[hidden], found[name("1x1_kxk_idconv1")] == nil {
            let width = BlockLayout.channels(shape)
            add(hidden, [width, i, 1, 1])
            add(name("1x1_kxk_conv2"), [o, width, 3, 3])
        } else {
            add(name("1x1_kxk_idconv1"), [i, i, 1, 1])
            add("rbr_dense.id_tensor", [i, i, 1, 1])
            add(name("1x1_kxk_conv2"), [o, i, 3, 3])
        }
        add(name("gconv_dw"), [expansion * i, 1, 3, 3])
        add(name("gconv_pw"), [o, expansion * i, 1, 1])
        // A row for the identity branch, which no branch uses. Either number will do.
        let usual = hasIdentity(found) ? 6 : 5
        let stored = found["rbr_dense.vector"]?.first ?? usual
        let rows = stored == 5 || stored == 6 ? stored : usual
        add("rbr_dense.vector", [rows, o])
    }

    mutating func addGenerated(_ prefix: String, _ geometry: BlockGeometry) {
        let (o, g, k) = (geometry.outputChannels, geometry.groups, geometry.kernel)
        let i = geometry.inputChannels / g
        let inner = g <= 4 ? geometry.inputChannels : 2 * geometry.inputChannels
        let depthwise = BlockLayout.depthwiseExpansion * geometry.inputChannels
        func name(_ name: String) -> String { "\(prefix)weight_orepa_\(name)" }
        add(name("origin"), [o, i, k, k])
        add(name("avg_conv"), [o, i, 1, 1])
        add(name("avg_avg"), [k, k])
        add(name("pfir_conv"), [o, i, 1, 1])
        add(name("prior"), [o, k, k])
        add(name("1x1_kxk_idconv1"), [inner, i, 1, 1])
        add("\(prefix)id_tensor", [inner, i, 1, 1])
        add(name("1x1_kxk_conv2"), [o, inner / g, k, k])
        add(name("1x1"), [o, i, 1, 1])
        add(name("gconv_dw"), [depthwise, 1, k, k])
        add(name("gconv_pw"), [o, depthwise / g, 1, 1])
        add("\(prefix)vector", [6, o])
    }

    mutating func addDiverseBranches(_ geometry: BlockGeometry) {
        let (o, g, k) = (geometry.outputChannels, geometry.groups, geometry.kernel)
        let i = geometry.inputChannels / g
        // The published code drops these branches where each output channel is a group of its own.
        let isDepthwise = g == o
        add("dbb_origin.conv.weight", [o, i, k, k])
        addBatchNorm("dbb_origin.bn", o)
        if !isDepthwise {
            add("dbb_1x1.conv.weight", [o, i, 1, 1])
            addBatchNorm("dbb_1x1.bn", o)
        }
        let inner = isDepthwise ? 2 * geometry.inputChannels : geometry.inputChannels
        add("dbb_1x1_kxk.\(isDepthwise ? "conv1" : "idconv1").weight", [inner, i, 1, 1])
        addBatchNorm("dbb_1x1_kxk.bn1.bn", inner)
        add("dbb_1x1_kxk.conv2.weight", [o, inner / g, k, k])
        addBatchNorm("dbb_1x1_kxk.bn2", o)
        if !isDepthwise {
            add("dbb_avg.conv.weight", [o, i, 1, 1])
            addBatchNorm("dbb_avg.bn.bn", o)
        }
        addBatchNorm("dbb_avg.avgbn", o)
    }
}
