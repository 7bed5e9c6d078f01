import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

private let path = "random.safetensors"

private func error(_ random: RandomCheckpoint) throws -> TrainingError? {
    let checkpoint = try Checkpoint(random.file(path: path))
    do {
        _ = try TrainingNetwork(checkpoint)
        return nil
    } catch {
        return error
    }
}

private typealias Architecture = RandomCheckpoint.Architecture

/// A small checkpoint of each block type, and the kind of block that it has at `stage1.0` or
/// `stage1.0.conv2`.
private let samples: [(random: RandomCheckpoint, block: String, kind: BlockKind)] = {
    let vgg = Architecture(repVGG: 3, depths: [2], widths: [3], classCount: 4)
    let basic = Architecture(
        resNet: .resNetBasic, stem: 4, depths: [1, 1], widths: [4, 5], classCount: 4)
    let depthwise = Architecture(
        resNet: .resNeXt, stem: 4, depths: [1], widths: [4], groups: 4, classCount: 4)
    func random(
        _ architecture: Architecture, _ type: RandomCheckpoint.BlockType
    ) -> RandomCheckpoint { RandomCheckpoint(architecture, type, seed: 1) }
    return [
        (random(vgg, .base), "stage1.1", .convBN),
        (random(vgg, .repVGG), "stage1.1", .repVGG),
        (random(vgg, .orepaVGG), "stage1.1", .orepaRepVGG),
        (random(vgg, .orepa), "stage1.1", .orepa),
        (random(depthwise, .orepa), "stage1.0.conv2", .orepa),
        (random(depthwise, .orepa), "stage1.0.conv3", .orepa1x1),
        (random(basic, .orepa), "stage0.conv1", .orepaLarge),
        (random(basic, .dbb), "stage1.0.conv1", .dbb),
        (random(depthwise, .dbb), "stage1.0.conv2", .dbb),
        (random(basic, .deployed), "stage1.0.conv2", .folded),
    ]
}()

/// A tensor that some branch of the published code could do without.
private func isBuffer(_ name: String) -> Bool {
    ["id_tensor", "_prior", "_avg_avg", "num_batches_tracked"].contains { name.hasSuffix($0) }
}

@Suite struct BlockErrorTests {
    @Test(arguments: samples.indices)
    func samplesAreWhatTheySay(sample: Int) throws {
        let (random, block, kind) = samples[sample]
        let network = try TrainingNetwork(Checkpoint(random.file()))
        #expect(network.blocks.first { $0.name == block }?.kind == kind)
    }

    /// Each tensor of the block in turn is left out, misspelt, given another shape, and made integer.
    @Test(arguments: samples.indices)
    func everyTensorIsNeededAndChecked(sample: Int) throws {
        let (random, block, kind) = samples[sample]
        let network = try TrainingNetwork(Checkpoint(random.file()))
        let shapes = try #require(network.blocks.first { $0.name == block }).tensors
            .mapValues(\.shape)
        for tensor in random.tensors where tensor.name.hasPrefix(block + ".") {
            let name = String(tensor.name.dropFirst(block.count + 1))
            let isLeading = isLeading(name, kind)

            var missing = random
            missing[tensor.name] = nil
            if isBuffer(name) {
                #expect(try error(missing) == nil)
            } else if isIdentity(name) {
                // Any other tensor of the branch says that it is there.
                #expect(
                    try error(missing)
                        == .missingKey(
                            path: path, key: tensor.name, block: block, kind: kind,
                            expected: tensor.shape, nearest: nil))
            } else if kind != .orepaLarge || name.contains(".") {
                #expect(
                    try error(missing)
                        == .missingKey(
                            path: path, key: tensor.name, block: block, kind: kind,
                            expected: isLeading ? nil : shapes[name], nearest: nil))
            }

            var misspelt = random
            misspelt.rename(tensor.name, to: tensor.name + "s")
            if !isBuffer(name), kind != .folded {
                #expect(
                    try error(misspelt)
                        == .unknownKey(
                            path: path, key: tensor.name + "s", block: block, kind: kind,
                            nearest: tensor.name))
            }

            guard !name.hasSuffix("num_batches_tracked") else { continue }
            var misshapen = random
            misshapen[tensor.name]!.shape.append(1)
            if isLeading {
                guard
                    case .convolutionShape(path, tensor.name, _, tensor.shape + [1]) =
                        try error(misshapen)
                else {
                    Issue.record("\(tensor.name): \(String(describing: try error(misshapen)))")
                    continue
                }
            } else {
                #expect(
                    try error(misshapen)
                        == .shape(
                            path: path, key: tensor.name, expected: tensor.shape,
                            found: tensor.shape + [1]))
            }

            var integer = random
            integer[tensor.name]!.elementType = .int32
            #expect(
                try error(integer)
                    == .elementType(path: path, key: tensor.name, found: .int32))
        }

        var added = random
        let key = "\(block).conv.weigth"
        added[key] = .init(key, [1], [1])
        guard case .unknownKey(path, key, block, kind, .some(let nearest)) = try error(added) else {
            Issue.record("\(String(describing: try error(added)))")
            return
        }
        #expect(random[nearest] != nil || isBuffer(nearest))
    }

    private func isIdentity(_ name: String) -> Bool { name.hasPrefix("rbr_identity.") }

    private func isLeading(_ name: String, _ kind: BlockKind) -> Bool {
        switch kind {
        case .convBN: name == "conv.weight"
        case .repVGG: name == "rbr_dense.conv.weight"
        case .orepaRepVGG: name == "rbr_dense.weight_rbr_origin"
        case .orepa: name == "weight_orepa_origin"
        case .orepa1x1: name == "weight_or1x1_origin"
        case .orepaLarge:
            name.hasPrefix("weight") && (name.hasSuffix("_origin") || !name.contains("."))
        case .dbb: name == "dbb_origin.conv.weight"
        case .folded: name.hasSuffix(".weight")
        }
    }

    @Test func vectorRowsAreCounted() throws {
        var random = samples[2].random
        random["stage1.1.rbr_dense.vector"] = .init(
            "stage1.1.rbr_dense.vector", [4, 3], Array(repeating: 1, count: 12))
        #expect(
            try error(random)
                == .shape(
                    path: path, key: "stage1.1.rbr_dense.vector", expected: [6, 3], found: [4, 3]))
    }

    /// A hidden layer may have any width but none.
    @Test func hiddenLayersAreNotEmpty() throws {
        var random = samples[2].random
        let prefix = "stage1.1.rbr_dense."
        random.tensors.removeAll {
            $0.name.hasPrefix(prefix) && ($0.name.contains("kxk") || $0.name.contains("id_tensor"))
        }
        let first = "\(prefix)weight_rbr_1x1_kxk_conv1"
        let second = "\(prefix)weight_rbr_1x1_kxk_conv2"
        random[first] = .init(first, [0, 3, 1, 1], [])
        random[second] = .init(second, [3, 0, 3, 3], [])
        #expect(
            try error(random)
                == .shape(path: path, key: first, expected: [1, 3, 1, 1], found: [0, 3, 1, 1]))
    }

    @Test func tallyOfNoBatchNormIsUnknown() throws {
        var random = samples[1].random
        let key = "stage1.1.rbr_dense.num_batches_tracked"
        random[key] = .init(key, [], [1], as: .int64)
        guard case .unknownKey(path, key, "stage1.1", .repVGG, _) = try error(random) else {
            Issue.record("\(String(describing: try error(random)))")
            return
        }
    }

    @Test func identityBranchMustKeepTheShape() throws {
        var random = RandomCheckpoint(
            Architecture(repVGG: 4, depths: [1], widths: [4], classCount: 2), .repVGG, seed: 1)
        for name in ["weight", "bias", "running_mean", "running_var"] {
            let key = "stage1.0.rbr_identity.\(name)"
            random[key] = .init(key, [4], [1, 1, 1, 1])
        }
        #expect(
            try error(random)
                == .identityBranch(
                    path: path, block: "stage1.0", inputChannels: 4, outputChannels: 4, stride: 2))
    }

    @Test func groupsMustDivide() throws {
        // 6 channels go into a convolution that takes 4.
        var random = RandomCheckpoint(
            Architecture(repVGG: 6, depths: [1], widths: [4], classCount: 2), .base, seed: 1)
        random["stage1.0.conv.weight"] = .init(
            "stage1.0.conv.weight", [4, 4, 3, 3], Array(repeating: 0, count: 144))
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: "stage1.0.conv.weight",
                    expected: "[O, 6 / groups, k, k] with O divisible by groups and k odd",
                    found: [4, 4, 3, 3]))
        // 3 groups for 4 output channels.
        random["stage1.0.conv.weight"] = .init(
            "stage1.0.conv.weight", [4, 2, 3, 3], Array(repeating: 0, count: 72))
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: "stage1.0.conv.weight",
                    expected: "[O, 6 / groups, k, k] with O divisible by groups and k odd",
                    found: [4, 2, 3, 3]))
        // An even kernel.
        random["stage1.0.conv.weight"] = .init(
            "stage1.0.conv.weight", [4, 6, 2, 2], Array(repeating: 0, count: 96))
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: "stage1.0.conv.weight",
                    expected: "[O, 6 / groups, k, k] with O divisible by groups and k odd",
                    found: [4, 6, 2, 2]))
    }

    /// The published OREPA RepVGG block cannot have groups.
    @Test func orepaRepVGGHasNoGroups() throws {
        var random = RandomCheckpoint(
            Architecture(repVGG: 4, depths: [1], widths: [4], classCount: 2), .orepaVGG, seed: 1)
        let key = "stage1.0.rbr_dense.weight_rbr_origin"
        random[key] = .init(key, [4, 2, 3, 3], Array(repeating: 0, count: 72))
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: key, expected: "[O, 4, 3, 3]", found: [4, 2, 3, 3]))
    }

    /// Megabytes of 3x3 kernels must not ask for terabytes of composed kernel.
    @Test func composedKernelsAreLimited() throws {
        var random = RandomCheckpoint(
            Architecture(
                resNet: .resNetBasic, stem: 1, depths: [1], widths: [4], classCount: 2,
                inputChannels: 1), .base, seed: 1)
        random.tensors.removeAll { $0.name == "stage0.conv1.conv.weight" }
        let steps = 3000
        for step in 0..<steps {
            let key = "stage0.conv1.weight\(step)"
            random[key] = .init(key, [1, 1, 3, 3], Array(repeating: 0, count: 9))
        }
        guard case .convolutionShape(path, let key, let expected, [1, 1, 3, 3]) = try error(random)
        else {
            Issue.record("\(String(describing: try error(random)))")
            return
        }
        #expect(key.hasPrefix("stage0.conv1.weight"))
        #expect(expected == "[O, I, 3, 3] that composes to at most 33554432 weights")
    }

    @Test func emptyDimensionsAreRefused() throws {
        var random = samples[0].random
        random["stage0.conv.weight"] = .init("stage0.conv.weight", [0, 3, 3, 3], [])
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: "stage0.conv.weight", expected: "[O, I, k, k] with k odd",
                    found: [0, 3, 3, 3]))
    }
}

@Suite struct NetworkErrorTests {
    private let vgg = RandomCheckpoint(
        Architecture(repVGG: 3, depths: [2, 2], widths: [3, 5], classCount: 4), .base, seed: 1)
    private let residual = RandomCheckpoint(
        Architecture(
            resNet: .resNetBottleneck, stem: 4, depths: [2, 1], widths: [4, 5], classCount: 4),
        .base, seed: 1)

    private func without(_ random: RandomCheckpoint, _ prefix: String) -> RandomCheckpoint {
        var random = random
        random.tensors.removeAll { $0.name.hasPrefix(prefix) }
        return random
    }

    private func renamed(
        _ random: RandomCheckpoint, _ prefix: String, to other: String
    ) -> RandomCheckpoint {
        var random = random
        for index in random.tensors.indices where random.tensors[index].name.hasPrefix(prefix) {
            random.tensors[index].name =
                other + random.tensors[index].name.dropFirst(prefix.count)
        }
        return random
    }

    @Test func otherFamiliesAreRefused() throws {
        var random = vgg
        let names = [
            "patch_embed.proj.weight", "blocks.0.norm1.weight", "blocks.0.attn.qkv.weight",
            "norm.weight", "head.weight",
        ]
        random.tensors = (names + ["head.bias"]).map { .init($0, [1], [1]) }
        let expected = TrainingError.unknownFamily(
            path: path, expected: ["stage0.", "stage0.conv1.", "layer1.0."], found: names)
        #expect(try error(random) == expected)
        #expect(
            expected.description
                == "random.safetensors: fits no known family of networks: expected keys that begin "
                + "with `stage0.` or `stage0.conv1.` or `layer1.0.`, found `patch_embed.proj.weight`, "
                + "`blocks.0.norm1.weight`, `blocks.0.attn.qkv.weight`, `norm.weight`, `head.weight`"
        )
    }

    @Test func stagesAndBlocksHaveNoGaps() throws {
        #expect(
            try error(without(vgg, "stage1."))
                == .gap(path: path, missing: "stage1.0", found: "stage2.0"))
        #expect(
            try error(without(vgg, "stage2.0."))
                == .gap(path: path, missing: "stage2.0", found: "stage2.1"))
        #expect(
            try error(renamed(vgg, "stage1.1.", to: "stage1.7."))
                == .gap(path: path, missing: "stage1.1", found: "stage1.7"))
        #expect(
            try error(without(without(vgg, "stage1."), "stage2."))
                == .missingBlock(path: path, block: "stage1.0", nearest: nil))
        #expect(
            try error(renamed(vgg, "stage2.1.", to: "stage2.9223372036854775807."))
                == .gap(
                    path: path, missing: "stage2.1", found: "stage2.9223372036854775807"))
    }

    @Test func residualPartsAreNeeded() throws {
        #expect(
            try error(without(residual, "stage1.1.conv2."))
                == .missingBlock(path: path, block: "stage1.1.conv2", nearest: nil))
        #expect(
            try error(without(residual, "stage1.1.conv3."))
                == .missingBlock(path: path, block: "stage1.1.conv3", nearest: nil))
        #expect(
            try error(renamed(residual, "stage1.1.conv2.", to: "stage1.1.convv2."))
                == .missingBlock(
                    path: path, block: "stage1.1.conv2", nearest: "stage1.1.convv2.conv.weight"))
        #expect(
            try error(without(residual, "stage2.0.shortcut."))
                == .missingShortcut(
                    path: path, block: "stage2.0", inputChannels: 16, outputChannels: 20, stride: 2)
        )
    }

    @Test func strayKeysAreUnknown() throws {
        func expect(
            _ key: String, in random: RandomCheckpoint, nearest: String,
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            var random = random
            random[key] = .init(key, [1], [1])
            #expect(
                try error(random)
                    == .unknownKey(path: path, key: key, block: nil, kind: nil, nearest: nearest),
                sourceLocation: location)
        }
        try expect("linear.weights", in: vgg, nearest: "linear.weight")
        try expect("stag1.0.conv.weight", in: vgg, nearest: "stage1.0.conv.weight")
        try expect("stage01.0.conv.weight", in: vgg, nearest: "stage1.0.conv.weight")
        try expect("stage1.-1.conv.weight", in: vgg, nearest: "stage1.1.conv.weight")
        try expect(
            "stage1.0.conv4.conv.weight", in: residual, nearest: "stage1.0.conv1.conv.weight")
        try expect("stage0.conv2.bn.bias", in: residual, nearest: "stage0.conv1.bn.bias")
    }

    @Test func misspeltBlockIsNamedWithItsMissingKey() throws {
        var random = vgg
        random.rename("stage2.1.bn.bias", to: "stge2.1.bn.bias")
        #expect(
            try error(random)
                == .missingKey(
                    path: path, key: "stage2.1.bn.bias", block: "stage2.1", kind: .convBN,
                    expected: [5], nearest: "stge2.1.bn.bias"))
    }

    @Test func blockOfNoKindIsNamed() throws {
        var random = without(vgg, "stage1.1.")
        random["stage1.1.attention.q"] = .init("stage1.1.attention.q", [1], [1])
        #expect(
            try error(random)
                == .unknownBlock(path: path, block: "stage1.1", found: ["stage1.1.attention.q"]))
    }

    @Test func linearLayerIsChecked() throws {
        #expect(
            try error(without(vgg, "linear.weight"))
                == .missingKey(
                    path: path, key: "linear.weight", block: nil, kind: nil, expected: [4, 5],
                    nearest: nil))
        #expect(
            try error(without(vgg, "linear.bias"))
                == .missingKey(
                    path: path, key: "linear.bias", block: nil, kind: nil, expected: [4],
                    nearest: nil))
        var random = vgg
        random["linear.weight"] = .init("linear.weight", [4, 6], Array(repeating: 0, count: 24))
        #expect(
            try error(random)
                == .shape(path: path, key: "linear.weight", expected: [4, 5], found: [4, 6]))
        random["linear.weight"] = .init("linear.weight", [0, 5], [])
        random["linear.bias"] = .init("linear.bias", [0], [])
        #expect(
            try error(random)
                == .network(
                    path: path, .invalid(node: "linear", what: "output features", found: 0)))
    }

    @Test func kernelSizesFollowFromThePlace() throws {
        var random = residual
        let key = "stage1.0.conv1.conv.weight"
        random[key] = .init(key, [4, 4, 3, 3], Array(repeating: 0, count: 144))
        #expect(
            try error(random)
                == .convolutionShape(
                    path: path, key: key,
                    expected: "[O, 4 / groups, 1, 1] with O divisible by groups",
                    found: [4, 4, 3, 3]))
    }

    @Test func sentences() {
        #expect(
            TrainingError.unknownKey(
                path: "a.pth", key: "stage1.0.rbr_dens.conv.weight", block: "stage1.0",
                kind: .repVGG,
                nearest: "stage1.0.rbr_dense.conv.weight"
            ).description
                == "a.pth: unknown key `stage1.0.rbr_dens.conv.weight` in RepVGG block `stage1.0`; "
                + "the nearest expected is `stage1.0.rbr_dense.conv.weight`")
        #expect(
            TrainingError.missingKey(
                path: "a.pth", key: "stage1.0.bn.bias", block: "stage1.0", kind: .orepa,
                expected: [8], nearest: nil
            ).description
                == "a.pth: key `stage1.0.bn.bias` is missing in OREPA 3x3 block `stage1.0`; "
                + "expected a tensor of shape [8]")
        #expect(
            TrainingError.shape(path: "a.pth", key: "linear.bias", expected: [9], found: [8])
                .description == "a.pth: `linear.bias`: expected shape [9], found [8]")
        #expect(
            TrainingError.missingShortcut(
                path: "a.pth", block: "stage2.0", inputChannels: 4, outputChannels: 8, stride: 2
            ).description
                == "a.pth: block `stage2.0` has no shortcut: expected stride 1 and as many output "
                + "as input channels, found stride 2, 4 inputs and 8 outputs; "
                + "strides are no part of a checkpoint, --strides says them")
        #expect(
            TrainingError.elementType(path: "a.pth", key: "linear.bias", found: .int64).description
                == "a.pth: `linear.bias`: expected floating-point elements, found I64")
        #expect(
            TrainingError.unknownKey(
                path: "a.pth", key: String(repeating: "x", count: 300), block: nil, kind: nil,
                nearest: nil
            ).description
                == "a.pth: unknown key `" + String(repeating: "x", count: 200) + "...`")
    }
}
