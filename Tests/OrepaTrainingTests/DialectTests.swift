import OrepaCheckpoint
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

/// Networks under the names of torchvision's authors.
@Suite struct DialectTests {
    private let path = "random.safetensors"

    /// `layer1.0.conv1` for `stage1.0.conv1`; the batch norm of a plain convolution beside it, blocks of other kinds in
    /// its place.
    private func torchvisionName(_ key: String, in random: RandomCheckpoint) -> String {
        var parts = key.split(separator: ".").map(String.init)
        if parts[0] == "linear" { return "fc.\(parts[1])" }
        let depth = parts[0] == "stage0" ? 2 : 3
        let block = parts[..<depth].joined(separator: ".")
        let isPlain = random["\(block).conv.weight"] != nil
        var module = parts[depth - 1]
        parts.removeFirst(depth)
        if isPlain {
            let isNorm = parts.removeFirst() == "bn"
            module =
                switch (module, isNorm) {
                case ("shortcut", false): "downsample.0"
                case ("shortcut", true): "downsample.1"
                case (_, false): module
                case (_, true): "bn\(module.dropFirst("conv".count))"
                }
        } else if module == "shortcut" {
            module = "downsample.0"
        }
        let start = block.split(separator: ".")
        let stage = depth == 2 ? [] : ["layer\(start[0].dropFirst(5))", String(start[1])]
        return (stage + [module] + parts).joined(separator: ".")
    }

    private func torchvision(_ random: RandomCheckpoint) -> RandomCheckpoint {
        var renamed = random
        for index in random.tensors.indices {
            renamed.tensors[index].name = torchvisionName(random.tensors[index].name, in: random)
        }
        return renamed
    }

    /// The same network, whose tensors have their own keys.
    @Test(
        arguments: [.resNetBasic, .resNetBottleneck, .resNeXt]
            as [RandomCheckpoint.Architecture.Family],
        [.base, .orepa, .dbb, .deployed, .mixed] as [RandomCheckpoint.BlockType])
    func otherNamesAreTheSameNetwork(
        family: RandomCheckpoint.Architecture.Family, type: RandomCheckpoint.BlockType
    ) throws {
        for seed in 0..<20 as Range<UInt64> {
            let random = RandomCheckpoint(family, type, seed: seed)
            let published = try TrainingNetwork(Checkpoint(random.file()))
            let other = try TrainingNetwork(Checkpoint(torchvision(random).file()))
            #expect(other.graph == published.graph)
            #expect(other.family == published.family)
            for (block, expected) in zip(other.blocks, published.blocks) {
                #expect(block.name == expected.name && block.kind == expected.kind)
                #expect(Set(block.tensors.keys) == Set(expected.tensors.keys))
                for (name, tensor) in block.tensors {
                    let key = try #require(expected.tensors[name]).name
                    #expect(tensor.name == torchvisionName(key, in: random))
                }
            }
            #expect(other.linearWeight.name == "fc.weight")
        }
    }

    // MARK: What is wrong is said in the checkpoint's own words

    private var residual: RandomCheckpoint {
        torchvision(
            RandomCheckpoint(
                .init(
                    resNet: .resNetBasic, stem: 4, depths: [2, 1], widths: [4, 5], classCount: 4),
                .base, seed: 1))
    }

    private func without(_ prefix: String) -> RandomCheckpoint {
        var random = residual
        random.tensors.removeAll { $0.name.hasPrefix(prefix) }
        return random
    }

    private func error(
        _ random: RandomCheckpoint, _ options: NetworkOptions = .init()
    ) throws -> TrainingError? {
        do {
            _ = try TrainingNetwork(Checkpoint(random.file(path: path)), options: options)
            return nil
        } catch let error as TrainingError { return error }
    }

    @Test func missingKeysAndBlocks() throws {
        #expect(
            try error(without("layer1.1.bn2.bias"))
                == .missingKey(
                    path: path, key: "layer1.1.bn2.bias", block: "layer1.1.conv2", kind: .convBN,
                    expected: [4], nearest: nil))
        #expect(
            try error(without("layer1.1.conv2.weight"))
                == .missingKey(
                    path: path, key: "layer1.1.conv2.weight", block: "layer1.1.conv2",
                    kind: .convBN, expected: nil, nearest: nil))
        #expect(
            try error(without("conv1."))
                == .missingKey(
                    path: path, key: "conv1.weight", block: "conv1", kind: .convBN, expected: nil,
                    nearest: nil))
        #expect(
            try error(without("layer1.0."))
                == .gap(path: path, missing: "layer1.0", found: "layer1.1"))
        #expect(
            try error(without("layer1."))
                == .gap(path: path, missing: "layer1.0", found: "layer2.0"))
        #expect(
            try error(without("layer2.0.downsample."))
                == .missingShortcut(
                    path: path, block: "layer2.0", inputChannels: 4, outputChannels: 5, stride: 2))
        #expect(
            try error(without("fc.bias"))
                == .missingKey(
                    path: path, key: "fc.bias", block: nil, kind: nil, expected: [4], nearest: nil))
    }

    @Test func unknownKeys() throws {
        var random = residual
        random.rename("layer1.0.bn1.bias", to: "layer1.0.bn1.bais")
        #expect(
            try error(random)
                == .unknownKey(
                    path: path, key: "layer1.0.bn1.bais", block: "layer1.0.conv1", kind: .convBN,
                    nearest: "layer1.0.bn1.bias"))
        random = residual
        random["layer1.0.se.weight"] = .init("layer1.0.se.weight", [1], [1])
        guard case .unknownKey(path, "layer1.0.se.weight", nil, nil, _) = try error(random) else {
            Issue.record("\(String(describing: try error(random)))")
            return
        }
        // A batch norm beside a block that has its own inside: one of the two is one too many.
        random = residual
        random["layer1.0.conv1.bn.bias"] = .init("layer1.0.conv1.bn.bias", [4], [1, 1, 1, 1])
        guard case .unknownKey(path, _, nil, nil, _) = try error(random) else {
            Issue.record("\(String(describing: try error(random)))")
            return
        }
    }

    @Test func shapesAndOptions() throws {
        var random = residual
        random["layer2.0.bn1.weight"] = .init(
            "layer2.0.bn1.weight", [6], .init(repeating: 1, count: 6))
        #expect(
            try error(random)
                == .shape(path: path, key: "layer2.0.bn1.weight", expected: [5], found: [6]))
        #expect(
            try error(residual, .init(strides: [2, 2]))?.description.contains("(of `conv1`, then")
                == true)
    }

    /// As timm's ResNet-D and its like have.
    @Test func deepStemsAreRefusedByName() throws {
        var random = without("conv1.")
        for number in [0, 3, 6] {
            let key = "conv1.\(number).weight"
            random[key] = .init(key, [4, 4, 3, 3], Array(repeating: 1, count: 144))
        }
        let found = try error(random)
        #expect(
            found
                == .deepStem(
                    path: path, expected: "conv1", firstStage: "layer1",
                    convolutions: ["conv1.0", "conv1.3", "conv1.6"]))
        #expect(found?.description.contains("`conv1` before `layer1`") == true)
    }
}
