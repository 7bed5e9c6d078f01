import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaTraining
import TestSupport
import Testing

@Suite struct NetworkOptionsTests {
    private let path = "random.safetensors"

    private func network(
        _ architecture: RandomCheckpoint.Architecture, _ options: NetworkOptions = .init()
    ) throws -> TrainingNetwork {
        try TrainingNetwork(
            Checkpoint(RandomCheckpoint(architecture, .base, seed: 1).file(path: path)),
            options: options)
    }

    private func error(
        _ architecture: RandomCheckpoint.Architecture, _ options: NetworkOptions = .init()
    ) -> TrainingError? {
        do {
            _ = try network(architecture, options)
            return nil
        } catch let error as TrainingError {
            return error
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    private func strides(_ network: TrainingNetwork) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: network.blocks.map { ($0.name, $0.convolution.stride) })
    }

    private func hasPool(_ network: TrainingNetwork) -> Bool {
        network.graph.nodes.contains {
            if case .maxPool = $0.operation { true } else { false }
        }
    }

    private let repVGG = RandomCheckpoint.Architecture(
        repVGG: 4, depths: [1, 2], widths: [6, 8], classCount: 3)

    private func resNet(stemKernel: Int, stages: Int = 4) -> RandomCheckpoint.Architecture {
        .init(
            resNet: .resNetBasic, stem: 4, stemKernel: stemKernel,
            depths: Array(repeating: 1, count: stages),
            widths: (0..<stages).map { 5 + $0 }, classCount: 3, shortcuts: true)
    }

    @Test func stridesOfARepVGG() throws {
        let published = try network(repVGG)
        #expect(published.strides == [2, 2, 2])
        #expect(published.stem == nil)
        let other = try network(repVGG, .init(strides: [1, 3, 2]))
        #expect(other.strides == [1, 3, 2])
        #expect(
            strides(other) == ["stage0": 1, "stage1.0": 3, "stage2.0": 2, "stage2.1": 1])
    }

    @Test func stridesOfAResNet() throws {
        let published = try network(resNet(stemKernel: 7))
        #expect(published.strides == [2, 1, 2, 2, 2])
        #expect(published.stem == .imageNet)
        #expect(hasPool(published))
        let other = try network(resNet(stemKernel: 7), .init(strides: [1, 2, 1, 2, 4]))
        let found = strides(other)
        #expect(found["stage0.conv1"] == 1)
        #expect(hasPool(other))
        for (stage, stride) in [2, 1, 2, 4].enumerated() {
            #expect(found["stage\(stage + 1).0.conv1"] == stride)
            #expect(found["stage\(stage + 1).0.conv2"] == 1)
            #expect(found["stage\(stage + 1).0.shortcut"] == stride)
        }
    }

    /// In a bottleneck the 3x3 convolution has the stride.
    @Test func stridesOfABottleneck() throws {
        let architecture = RandomCheckpoint.Architecture(
            resNet: .resNetBottleneck, stem: 4, depths: [1, 1], widths: [3, 4], classCount: 2,
            shortcuts: true)
        let found = strides(try network(architecture, .init(strides: [2, 2, 1])))
        #expect(found["stage1.0.conv1"] == 1)
        #expect(found["stage1.0.conv2"] == 2)
        #expect(found["stage1.0.shortcut"] == 2)
        #expect(found["stage2.0.conv2"] == 1)
        #expect(found["stage2.0.shortcut"] == 1)
    }

    @Test(arguments: [[2, 2], [2, 2, 2, 2], [], [2, 0, 2], [2, 2, 5], [-1, 2, 2]])
    func stridesThatTheNetworkCannotHave(strides: [Int]) throws {
        #expect(
            error(repVGG, .init(strides: strides))
                == .strides(
                    path: path, family: .repVGG, stem: "stage0", expected: [2, 2, 2],
                    found: strides))
    }

    @Test func stridesThatContradictTheShapes() {
        // stage1.0 has no shortcut, so that it keeps its input's shape.
        let plain = RandomCheckpoint.Architecture(
            resNet: .resNetBasic, stem: 5, depths: [1], widths: [5], classCount: 2)
        #expect(
            error(plain, .init(strides: [2, 2]))
                == .missingShortcut(
                    path: path, block: "stage1.0", inputChannels: 5, outputChannels: 5, stride: 2))
        let identity = RandomCheckpoint(
            .init(
                repVGG: 4, depths: [1], widths: [4], classCount: 2, strides: [2, 1],
                identities: [true]), .repVGG, seed: 1)
        #expect(
            throws: TrainingError.identityBranch(
                path: path, block: "stage1.0", inputChannels: 4, outputChannels: 4, stride: 2)
        ) { try TrainingNetwork(Checkpoint(identity.file(path: path))) }
        #expect(throws: Never.self) {
            try TrainingNetwork(
                Checkpoint(identity.file(path: path)), options: .init(strides: [2, 1]))
        }
    }

    @Test(arguments: [1, 3], [1, 3, 4])
    func aSmallStemIsAmbiguous(kernel: Int, stages: Int) throws {
        let architecture = resNet(stemKernel: kernel, stages: stages)
        let found = try #require(error(architecture))
        #expect(found == .ambiguousStem(path: path, kernel: kernel))
        for part in ["\(kernel)x\(kernel)", "--stem imagenet", "--stem small", "max pool"] {
            #expect(found.description.contains(part))
        }
        // Strides say nothing about the pool.
        let published = [2, 1, 2, 2, 2].prefix(stages + 1)
        #expect(
            error(architecture, .init(strides: Array(published)))
                == .ambiguousStem(path: path, kernel: kernel))
        let small = try network(architecture, .init(stem: .small))
        #expect(small.strides == [1] + published.dropFirst())
        #expect(!hasPool(small))
        #expect(strides(small)["stage0.conv1"] == 1)
        let imageNet = try network(architecture, .init(stem: .imageNet))
        #expect(imageNet.strides == Array(published))
        #expect(hasPool(imageNet))
        // A stem without a pool may have a stride all the same.
        let strided = try network(
            architecture, .init(strides: Array(published), stem: .small))
        #expect(strides(strided)["stage0.conv1"] == 2)
        #expect(!hasPool(strided))
    }

    /// Of every kind of block that a stem may be.
    @Test(arguments: [RandomCheckpoint.BlockType.base, .orepa, .dbb, .deployed])
    func theStemsKernelIsFoundInEveryKindOfBlock(type: RandomCheckpoint.BlockType) throws {
        for kernel in [3, 7] {
            let random = RandomCheckpoint(resNet(stemKernel: kernel), type, seed: 1)
            let checkpoint = try Checkpoint(random.file(path: path))
            if kernel == 3 {
                #expect(throws: TrainingError.ambiguousStem(path: path, kernel: 3)) {
                    try TrainingNetwork(checkpoint)
                }
            } else {
                #expect(try TrainingNetwork(checkpoint).stem == .imageNet)
            }
        }
    }

    @Test func aRepVGGHasNoStem() {
        #expect(
            error(repVGG, .init(stem: .small))
                == .stemOfRepVGG(path: path, block: "stage0", found: .small))
    }

    /// Three convolutions before the first stage, under each of the names that they go by.
    @Test(arguments: [
        ["stage0.conv1", "stage0.conv2", "stage0.conv3"],
        ["stage0.conv1.0", "stage0.conv1.3", "stage0.conv1.6"],
        ["stage0.0", "stage0.3", "stage0.6"],
    ])
    func deepStemsAreRefusedByName(modules: [String]) throws {
        var random = RandomCheckpoint(resNet(stemKernel: 3), .base, seed: 1)
        random.tensors.removeAll { $0.name.hasPrefix("stage0.") }
        for module in modules {
            random[module + ".conv.weight"] = .init(
                module + ".conv.weight", [4, 4, 3, 3], Array(repeating: 1, count: 144))
            random[module + ".bn.weight"] = .init(module + ".bn.weight", [4], [1, 1, 1, 1])
        }
        let checkpoint = try Checkpoint(random.file(path: path))
        for stem in [nil, NetworkAssumptions.Stem.small] {
            let found = #expect(throws: TrainingError.self) {
                try TrainingNetwork(checkpoint, options: .init(stem: stem))
            }
            #expect(
                found
                    == .deepStem(
                        path: path, expected: "stage0.conv1", firstStage: "stage1",
                        convolutions: modules))
            #expect(found?.description.contains("a deep stem is not supported") == true)
            #expect(found?.description.contains("`\(modules[2])`") == true)
        }
    }

    @Test(arguments: [0, -1e-5, .infinity, .nan] as [Double])
    func anEpsilonIsAboveZero(epsilon: Double) {
        guard
            case .batchNormEpsilon(path, let found)? = error(
                repVGG, .init(batchNormEpsilon: epsilon))
        else {
            Issue.record("expected an error")
            return
        }
        #expect(found.bitPattern == epsilon.bitPattern)
    }

    @Test func assumptionsSayWhatTheNetworkIs() throws {
        let small = try network(
            resNet(stemKernel: 3), .init(stem: .small, batchNormEpsilon: 1e-3))
        #expect(
            small.assumptions(stateDict: "model.ema", inputSize: 32)
                == NetworkAssumptions(
                    strides: [1, 1, 2, 2, 2], stem: .small, hasStemPool: false,
                    batchNormEpsilon: 1e-3, stateDict: "model.ema", inputSize: 32))
        // They are enough to have the same network again.
        let again = try network(
            resNet(stemKernel: 3),
            NetworkOptions(small.assumptions(stateDict: nil, inputSize: nil)))
        #expect(again.graph == small.graph)
        #expect(again.batchNormEpsilon == 1e-3)
        let folded = try TrainingNetwork(
            Checkpoint(RandomCheckpoint(repVGG, .deployed, seed: 1).file()))
        #expect(
            folded.assumptions(stateDict: nil, inputSize: nil)
                == NetworkAssumptions(
                    strides: [2, 2, 2], stem: nil, hasStemPool: false, batchNormEpsilon: nil,
                    stateDict: nil, inputSize: nil))
    }
}
