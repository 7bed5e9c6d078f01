import Foundation
import OrepaCheckpoint
import OrepaConversion
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import OrepaTraining
import TestSupport
import Testing

/// Preprocessing for pictures as small as the random networks.
let smallPreprocessing = Preprocessing(
    resize: 64, crop: 64, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])

@Suite struct ConverterTests {
    private static func converter(_ options: ConversionOptions) -> Converter {
        Converter(options: options, pool: WorkerPool(threadCount: 1))
    }

    private static func contents(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Every fixture is converted, read again, verified as a model, and answers as the golden file says.
    @Test(arguments: CheckpointFixture.training + [CheckpointFixture.deployed])
    func convertsEveryFixture(file: String, golden: String) throws {
        let checkpoint = try Checkpoint(path: CheckpointFixture.path(file))
        let network = try TrainingNetwork(checkpoint)
        let labels = (0..<network.graph.classCount).map { "class \($0)" }
        try withTemporaryFolder { folder in
            let path = "\(folder)/model.safetensors"
            let result = try ConverterTests.converter(.init(labels: labels, tool: "test 1"))
                .convert(checkpoint, to: path)
            #expect(try ConverterTests.contents(of: folder) == ["model.safetensors"])
            let model = try ModelFile(path: path)
            #expect(model.description == result.model.description)
            #expect(model.network.graph == network.graph)
            #expect(model.description.labels == labels)
            #expect(model.description.preprocessing == .imageNet)
            #expect(model.description.tool == "test 1")
            #expect(model.description.family == network.family.rawValue)
            #expect(model.description.blocks.values.reduce(0, +) == network.blocks.count)
            #expect(model.description.source?.name == file)
            let hash = model.description.source?.sha256
            #expect(hash == FileDigest.sha256(of: checkpoint.file))
            let isFolded = file == CheckpointFixture.deployed.file
            #expect((result.verification == nil) == isFolded)
            #expect(model.description.verification == result.verification?.record)
            let verified = try VerifierTests.verifier().verify(checkpoint, against: (path, model))
            #expect(verified?.passed == true)
            try checkWhatDecidesTheBits(of: model)
        }
    }

    /// The file says how each layer is computed, and its probe comes out the same on every instruction set.
    private func checkWhatDecidesTheBits(of model: ModelFile) throws {
        let crop = model.description.preprocessing.crop
        let seed = model.description.verification?.seed ?? VerificationOptions().seed
        #expect(model.description.probe?.seed == seed)
        let pool = WorkerPool(threadCount: 2)
        for numerics in Numerics.allCases {
            let chosen = try PlanBlueprint(
                model.network.graph, height: crop, width: crop, numerics: numerics, threadCount: 1
            ).algorithms
            #expect(model.description.algorithms?[numerics] == chosen)
            for set in InstructionSet.allCases where set <= .best {
                let plan = try Plan(
                    model, numerics: numerics, instructionSet: set, pool: pool)
                try PlanContext(plan, pool: pool).checkProbe(of: model)
            }
        }
    }

    /// Logits that no file could keep: their sums are beyond Float32.
    @Test func logitsThatAreNotFiniteAreRefused() throws {
        var random = RandomCheckpoint(.repVGG, .deployed, seed: 4)
        for name in ["linear.weight", "linear.bias"] {
            random[name]!.values = random[name]!.values.map { _ in 3.4e38 }
        }
        try withTemporaryFolder { folder in
            let converter = ConverterTests.converter(
                .init(preprocessing: smallPreprocessing, tool: "test"))
            #expect(throws: ConversionError.notFinite(path: "c", numerics: .fast)) {
                try converter.convert(Checkpoint(random.file(path: "c")), to: "\(folder)/model")
            }
            let left = try ConverterTests.contents(of: folder)
            #expect(left == [])
        }
    }

    @Test func reportsProgressInOrder() throws {
        let random = RandomCheckpoint(.resNetBasic, .orepa, seed: 6)
        let network = try TrainingNetwork(Checkpoint(random.file()))
        let names = network.blocks.map(\.name)
        var steps: [ConversionProgress] = []
        try withTemporaryFolder { folder in
            let converter = ConverterTests.converter(
                .init(preprocessing: smallPreprocessing, tool: "test"))
            _ = try converter.convert(Checkpoint(random.file()), to: "\(folder)/model") {
                steps.append($0)
            }
        }
        let folding = names.enumerated().map {
            ConversionProgress.folding(index: $0.offset, count: names.count, name: $0.element)
        }
        let verifying = (names + ["linear"]).enumerated().map {
            ConversionProgress.verifying(
                index: $0.offset, count: names.count + 1, name: $0.element)
        }
        #expect(steps == folding + verifying + [.probing, .checksum, .writing])
    }

    @Test func writesNothingWhenItDoesNotVerify() throws {
        let random = RandomCheckpoint(.repVGG, .orepaVGG, seed: 6)
        try withTemporaryFolder { folder in
            let converter = ConverterTests.converter(
                .init(
                    preprocessing: smallPreprocessing,
                    verification: .init(blockTolerance: 0, logitTolerance: 0), tool: "test"))
            #expect {
                try converter.convert(Checkpoint(random.file(path: "c")), to: "\(folder)/model")
            } throws: { error in
                guard case .notVerified("c", let found) = error as? ConversionError else {
                    return false
                }
                return !found.passed && "\(error)".hasPrefix("c: the folded network differs")
            }
            let left = try ConverterTests.contents(of: folder)
            #expect(left == [])
        }
    }

    @Test func replacesOnlyWhenToldTo() throws {
        let random = RandomCheckpoint(.repVGG, .repVGG, seed: 6)
        try withTemporaryFolder { folder in
            let path = "\(folder)/model"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
            var options = ConversionOptions(preprocessing: smallPreprocessing, tool: "test")
            #expect(throws: ConversionError.output(.exists(path: path))) {
                try ConverterTests.converter(options).convert(Checkpoint(random.file()), to: path)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("mine".utf8))

            // A conversion that fails leaves the file that it may replace.
            options.overwrite = true
            options.verification.blockTolerance = 0
            options.verification.logitTolerance = 0
            #expect(throws: ConversionError.self) {
                try ConverterTests.converter(options).convert(Checkpoint(random.file()), to: path)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("mine".utf8))

            options.verification = .init()
            _ = try ConverterTests.converter(options).convert(Checkpoint(random.file()), to: path)
            _ = try ModelFile(path: path)
            #expect(try ConverterTests.contents(of: folder) == ["model"])
        }
    }

    @Test func refusesWhatDoesNotFitBeforeFolding() throws {
        let random = RandomCheckpoint(.repVGG, .repVGG, seed: 6)
        let file = try random.file(path: "c")
        let classes = random.architecture.classCount
        func failure(_ options: ConversionOptions, to path: String = "/nowhere/model") throws
            -> ConversionError?
        {
            do throws(ConversionError) {
                _ = try ConverterTests.converter(options).convert(
                    Checkpoint(reading: file), to: path
                ) { step in Issue.record("\(step)") }
                return nil
            } catch { return error }
        }
        var options = ConversionOptions(
            labels: ["one"] + Array(repeating: "more", count: classes),
            preprocessing: smallPreprocessing, tool: "test")
        #expect(
            try failure(options)
                == .labelCount(path: "c", expected: classes, found: classes + 1))
        options.labels = nil
        options.preprocessing = Preprocessing(
            resize: 64, crop: 0, mean: [0, 0, 0], std: [1, 1, 1])
        #expect(
            try failure(options)
                == .preprocessing(
                    path: "c", field: "crop", expected: "1 to 16384 pixels", found: "0"))
        options.preprocessing = smallPreprocessing
        options.verification.inputSize = 1
        guard case .inputSize("c", _, _, 1) = try failure(options) else {
            Issue.record("an input of one pixel was accepted")
            return
        }
        options.verification = .init(blockTolerance: .nan)
        guard case .tolerance("block tolerance", _) = try failure(options) else {
            Issue.record("a tolerance that is no number was accepted")
            return
        }
    }

    @Test func namesTheFileThatCannotBeWritten() throws {
        let random = RandomCheckpoint(.repVGG, .repVGG, seed: 6)
        let converter = ConverterTests.converter(
            .init(preprocessing: smallPreprocessing, tool: "test"))
        #expect {
            try converter.convert(Checkpoint(random.file()), to: "/nowhere/at/all/model")
        } throws: { error in
            guard
                case .output(.notWritable("/nowhere/at/all/model", _)) = error as? ConversionError
            else { return false }
            return true
        }
    }

    @Test func namesWhatIsWrongWithTheCheckpoint() throws {
        var random = RandomCheckpoint(.repVGG, .repVGG, seed: 6)
        random["stage0.rbr_dense.conv.weight"] = nil
        let converter = ConverterTests.converter(
            .init(preprocessing: smallPreprocessing, tool: "test"))
        #expect {
            try converter.convert(Checkpoint(random.file()), to: "/nowhere/model")
        } throws: { error in
            guard case .training = error as? ConversionError else { return false }
            return "\(error)".contains("stage0.rbr_dense.conv.weight")
        }
    }

    @Test func digestsAreSHA256() {
        func digest(_ bytes: some Collection<UInt8>) -> String? {
            FileDigest.sha256(of: FileBytes(bytes, path: "bytes"))
        }
        #expect(
            digest("".utf8) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            digest("abc".utf8) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        // FIPS 180-2, example B.3, and more than is hashed at a time by a part.
        #expect(
            digest(repeatElement(UInt8(ascii: "a"), count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(
            digest(repeatElement(UInt8(0), count: (1 << 20) + 1))
                == "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264")
    }
}

extension Checkpoint {
    /// Opens a file in memory that is known to be sound.
    fileprivate init(reading file: FileBytes) {
        do { self = try Checkpoint(file) } catch { fatalError("\(error)") }
    }
}
