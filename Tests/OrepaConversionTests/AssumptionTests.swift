import Foundation
import OrepaCheckpoint
import OrepaConversion
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaThreads
import OrepaTraining
import TestSupport
import Testing

/// Networks that are other ones than their state dicts seem to be, against what PyTorch computed for them.
@Suite struct AssumptionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let options: NetworkOptions
        var stateDict: String?

        var testDescription: String { name }
        var reference: String { fixture("assumptions/\(name).reference.safetensors") }

        func checkpoint(_ stateDict: String?) throws -> Checkpoint {
            try Checkpoint(
                path: fixture("assumptions/\(name).pth"), stateDictionary: stateDict)
        }
    }

    static let cases = [
        Case(name: "repvgg-strides", options: .init(strides: [1, 2, 1, 3, 1])),
        Case(name: "repvgg-epsilon", options: .init(batchNormEpsilon: 1e-3)),
        Case(name: "repvgg-averaged", options: .init(), stateDict: "averages.ema.decay"),
        Case(name: "resnet-small", options: .init(stem: .small)),
        Case(name: "resnet-imagenet", options: .init(stem: .imageNet)),
    ]

    private func convert(
        _ network: Case, options: NetworkOptions, stateDict: String?, to path: String
    ) throws -> Converter.Result {
        try Converter(
            options: ConversionOptions(
                preprocessing: smallPreprocessing, network: options,
                reference: Reference(path: network.reference), tool: "test 1"),
            pool: WorkerPool(threadCount: 1)
        ).convert(network.checkpoint(stateDict), to: path)
    }

    @Test(arguments: cases) func optionsGiveTheNetworkOfTheTrainingCode(network: Case) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model")
        let result = try convert(
            network, options: network.options, stateDict: network.stateDict, to: path)
        let comparison = try #require(result.reference)
        #expect(comparison.error <= 1e-5)
        #expect(comparison.pictureCount == 2)
        #expect(comparison.height == 24)
        let model = try ModelFile(path: path)
        let assumptions = try #require(model.description.assumptions)
        #expect(assumptions.stateDict == network.stateDict ?? "state_dict")
        #expect(assumptions.batchNormEpsilon == network.options.batchNormEpsilon ?? 1e-5)
        #expect(assumptions.inputSize == 64)
        if let strides = network.options.strides { #expect(assumptions.strides == strides) }
        #expect(assumptions.stem == network.options.stem)
        #expect(assumptions.hasStemPool == (network.options.stem == .imageNet))
        // With what the model records its checkpoint is verified again.
        let examined = try Verifier(pool: WorkerPool(threadCount: 1)).examine(
            RecognizedCheckpoint(network.checkpoint(assumptions.stateDict)),
            against: (path, model),
            network: NetworkOptions(assumptions), reference: Reference(path: network.reference))
        #expect(examined.verification?.passed == true)
        #expect(examined.reference?.passed == true)
        #expect(examined.assumptions.strides == assumptions.strides)
    }

    /// What is assumed without options is another network, which the fold's own proof cannot notice and the reference
    /// does.
    @Test(arguments: cases.filter { !$0.name.hasPrefix("resnet") })
    func aReferenceNoticesWrongAssumptions(network: Case) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: ConversionError.self) {
            try convert(network, options: .init(), stateDict: nil, to: folder.file("model"))
        }
        guard case .otherLogits(_, let comparison, let assumptions, let counterparts) = error else {
            Issue.record("expected other logits, found \(String(describing: error))")
            return
        }
        #expect(comparison.error > 0.05)
        #expect(assumptions.strides == [2, 2, 2, 2, 2])
        #expect(counterparts == (network.stateDict.map { [$0] } ?? []))
        let text = error?.description ?? ""
        for part in ["--strides", "--bn-epsilon", "--state-dict", network.reference] {
            #expect(text.contains(part))
        }
        #expect(folder.names == [])
        let unseen = try Verifier(pool: WorkerPool(threadCount: 1)).examine(
            RecognizedCheckpoint(network.checkpoint(nil)),
            reference: Reference(path: network.reference))
        #expect(unseen.verification?.passed == true)
        #expect(unseen.reference?.passed == false)
    }

    /// Blocks of all kinds with other strides and epsilons: interpreted branch by branch and folded, they agree.
    @Test(arguments: RandomCheckpoint.BlockType.allCases.filter { $0 != .deployed })
    func everyKindOfBlockTakesOtherStridesAndEpsilons(type: RandomCheckpoint.BlockType) throws {
        let isChain = [.repVGG, .orepaVGG].contains(type)
        let architectures: [RandomCheckpoint.Architecture] = [
            .init(
                repVGG: 4, depths: [1, 2], widths: [4, 6], classCount: 3, strides: [1, 1, 3],
                identities: [true]),
            .init(
                resNet: .resNetBasic, stem: 4, depths: [2, 1], widths: [4, 6], classCount: 3,
                strides: [1, 2, 1], shortcuts: true),
            .init(
                resNet: .resNetBottleneck, stem: 4, depths: [1, 1], widths: [4, 6], classCount: 3,
                strides: [3, 2, 1], shortcuts: true),
        ]
        for architecture in isChain ? [architectures[0]] : architectures {
            let checkpoint = try Checkpoint(RandomCheckpoint(architecture, type, seed: 5).file())
            let strides = architecture.family == .repVGG ? [1, 1, 3] : nil
            let options = NetworkOptions(
                strides: strides
                    ?? (architecture.family == .resNetBasic ? [1, 2, 1] : [3, 2, 1]),
                batchNormEpsilon: 0.01)
            let verifier = Verifier(pool: WorkerPool(threadCount: 1))
            let found = try verifier.examine(
                RecognizedCheckpoint(checkpoint), network: options)
            #expect(found.verification?.passed == true, "\(architecture.family)")
            #expect(found.assumptions.batchNormEpsilon == 0.01)
            // Folded with another epsilon than interpreted, no block with a batch norm passes.
            let other = try TrainingNetwork(
                checkpoint, options: .init(strides: options.strides, batchNormEpsilon: 0.05))
            let network = try TrainingNetwork(checkpoint, options: options)
            let comparison = try verifier.compare(network, with: other.folded())
            let failures = Set(comparison.failures.map(\.name))
            #expect(
                network.blocks.filter { $0.kind != .folded }
                    .allSatisfy { failures.contains($0.name) })
        }
    }

    private func reference(
        _ tensors: [SafetensorsWriter.Tensor], in folder: TemporaryFolder
    ) throws -> ReferenceError? {
        let path = folder.file("reference")
        try SafetensorsWriter(tensors).write(to: path, overwrite: true)
        return #expect(throws: ReferenceError.self) { try Reference(path: path) }
    }

    @Test func referencesThatCannotBeUsed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("reference")
        let input = SafetensorsWriter.Tensor(
            name: "input", shape: [1, 3, 2, 2], values: [Float](repeating: 0, count: 12))
        func logits(_ shape: [Int], _ values: [Float]) -> SafetensorsWriter.Tensor {
            .init(name: "logits", shape: shape, values: values)
        }
        #expect(
            try reference([input], in: folder)
                == .missing(
                    path: path, tensor: "logits", expected: "[N, classes]", found: ["input"]))
        #expect(
            try reference([logits([1, 2], [1, 2])], in: folder)
                == .missing(
                    path: path, tensor: "input", expected: "[N, C, H, W]", found: ["logits"]))
        #expect(
            try reference([input, logits([2], [1, 2])], in: folder)
                == .shape(path: path, tensor: "logits", expected: "[N, classes]", found: [2]))
        #expect(
            try reference([input, logits([2, 1], [1, 2])], in: folder)
                == .shape(
                    path: path, tensor: "logits", expected: "[1, classes], as `input`",
                    found: [2, 1]))
        guard
            case .notFinite(path, "logits", 1, let found)? = try reference(
                [input, logits([1, 2], [1, .nan])], in: folder)
        else {
            Issue.record("expected NaN to be refused")
            return
        }
        #expect(found.isNaN)
        guard
            case .file(.notFound)? = #expect(
                throws: ReferenceError.self,
                performing: {
                    try Reference(path: folder.file("none"))
                })
        else {
            Issue.record("expected a missing file")
            return
        }
    }

    @Test func referencesOfOtherNetworks() throws {
        let checkpoint = try AssumptionTests.cases[1].checkpoint(nil)
        let verifier = Verifier(pool: WorkerPool(threadCount: 1))
        for (name, tensor, expected) in [
            ("repvgg-grey", "input", "[N, 3, H, W]"), ("repvgg-one-class", "logits", "[2, 5]"),
        ] {
            let path = fixture("assumptions/\(name).reference.safetensors")
            let error = #expect(throws: ConversionError.self) {
                try verifier.examine(
                    RecognizedCheckpoint(checkpoint), reference: Reference(path: path))
            }
            guard case .reference(.shape(path, tensor, expected, _)) = error else {
                Issue.record("expected a shape, found \(String(describing: error))")
                continue
            }
        }
    }
}
