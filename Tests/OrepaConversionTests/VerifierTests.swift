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

@Suite struct VerifierTests {
    static func verifier(_ options: VerificationOptions = .init()) -> Verifier {
        Verifier(options: options, pool: WorkerPool(threadCount: 1))
    }

    @Test(arguments: CheckpointFixture.training)
    func verifiesEveryFixture(file: String, golden: String) throws {
        let checkpoint = try Checkpoint(path: CheckpointFixture.path(file))
        let found = try #require(try VerifierTests.verifier().verify(checkpoint))
        #expect(found.passed, "\(found.failures)")
        #expect(found.blocks.map(\.name).last == "linear")
        #expect(found.topClasses.unfused == found.topClasses.folded)
        #expect(found.inputSize == 64)
        #expect(found.isFastPrecise, "\(found.fastLogits.error)")
        #expect(found.record.fastLogitError == found.fastLogits.error)
    }

    /// A logit that is small beside its terms amplifies rounding: the fold is right all the same, and what fast
    /// numerics lose is told.
    @Test func impreciseFastLogitsAreToldAndDecideNothing() throws {
        let random = try imprecise()
        let found = try #require(
            try VerifierTests.verifier(.init(logitTolerance: 1)).verify(Checkpoint(random.file())))
        #expect(found.passed, "\(found.failures)")
        #expect(!found.isFastPrecise)
        #expect(found.fastLogits.error > Verification.fastTolerance)
        #expect(found.fastLogits.error.isFinite)
    }

    @Test func thereIsNothingToVerifyInAFoldedCheckpoint() throws {
        let path = CheckpointFixture.path(CheckpointFixture.deployed.file)
        let checkpoint = try Checkpoint(path: path)
        #expect(try VerifierTests.verifier().verify(checkpoint) == nil)
    }

    /// 50 random small networks of a family and block type, folded against unfused.
    @Test(
        arguments: RandomCheckpoint.Architecture.Family.allCases,
        RandomCheckpoint.BlockType.allCases)
    func verifiesRandomNetworks(
        family: RandomCheckpoint.Architecture.Family, type: RandomCheckpoint.BlockType
    ) throws {
        let verifier = VerifierTests.verifier()
        for seed in 0..<50 as Range<UInt64> {
            let checkpoint = try Checkpoint(RandomCheckpoint(family, type, seed: seed).file())
            guard let found = try verifier.verify(checkpoint) else {
                #expect(try TrainingNetwork(checkpoint).isFolded)
                continue
            }
            #expect(found.passed, "seed \(seed): \(found.failures)")
        }
    }

    /// The large convolution whose 3x3 kernels are stored plainly.
    @Test func verifiesPlainLargeConvolutions() throws {
        let architecture = RandomCheckpoint.Architecture(
            resNet: .resNetBasic, stem: 6, stemKernel: 7, depths: [1], widths: [5], classCount: 4)
        let random = try #require(
            (0..<64).lazy.map { RandomCheckpoint(architecture, .orepa, seed: $0) }
                .first { $0["stage0.conv1.weight0"] != nil })
        let checkpoint = try Checkpoint(random.file())
        #expect(try TrainingNetwork(checkpoint).blocks[0].kind == .orepaLarge)
        let found = try #require(try VerifierTests.verifier().verify(checkpoint))
        #expect(found.passed, "\(found.failures)")
    }

    /// A single logit that is near 0 on the default picture by chance says nothing about the fold there.
    @Test func takesAnotherPictureWhereTheLogitCancels() throws {
        var random = RandomCheckpoint(.repVGG, .repVGG, seed: 3)
        let features = random["linear.weight"]!.shape[1]
        random["linear.weight"] = .init(
            "linear.weight", [1, features], Array(random["linear.weight"]!.values.prefix(features)))
        random["linear.bias"] = .init("linear.bias", [1], [0])
        let first = try #require(
            try VerifierTests.verifier().verify(Checkpoint(random.file())))
        #expect(first.passed && first.seed == VerificationOptions().seed)
        let logit = Float(first.logits.largestOutput)
        let seeds = try [logit, -logit].map { bias in
            random["linear.bias"]!.values = [bias]
            let found = try #require(
                try VerifierTests.verifier().verify(Checkpoint(random.file())))
            #expect(found.passed, "\(found.failures)")
            return found.seed
        }
        // One of the two biases cancels the logit.
        #expect(seeds.sorted() == [first.seed, first.seed + 1])
    }

    /// Half precision, double precision and mixed element types fold and verify alike.
    @Test(arguments: [ElementType.float16, .bfloat16, .float64])
    func verifiesOtherElementTypes(elementType: ElementType) throws {
        for type in [RandomCheckpoint.BlockType.orepaVGG, .dbb] {
            var random = RandomCheckpoint(.repVGG, type, seed: 11)
            random.convert(to: elementType)
            let found = try VerifierTests.verifier().verify(Checkpoint(random.file()))
            #expect(found?.passed == true)
        }
    }

    @Test func tolerancesDecide() throws {
        let checkpoint = try Checkpoint(RandomCheckpoint(.repVGG, .orepaVGG, seed: 1).file())
        let strict = VerifierTests.verifier(.init(blockTolerance: 0, logitTolerance: 0))
        let found = try #require(try strict.verify(checkpoint))
        #expect(!found.passed)
        #expect(found.failures.last == found.logits)
        #expect(found.tolerance(of: found.logits) == 0)
        #expect(found.tolerance(of: found.fastLogits) == nil)
        #expect(found.blockTolerance == 0 && found.logitTolerance == 0)

        let blocks = VerifierTests.verifier(.init(blockTolerance: 0))
        #expect(try blocks.verify(checkpoint)?.failures.contains { $0.name == "logits" } == false)
        let logits = VerifierTests.verifier(.init(logitTolerance: 0))
        #expect(try logits.verify(checkpoint)?.failures.map(\.name) == ["logits"])

        #expect(throws: ConversionError.tolerance(name: "block tolerance", found: -1)) {
            try VerifierTests.verifier(.init(blockTolerance: -1)).verify(checkpoint)
        }
        #expect(throws: ConversionError.tolerance(name: "tolerance", found: .infinity)) {
            try VerifierTests.verifier(.init(logitTolerance: .infinity)).verify(checkpoint)
        }
    }

    @Test func seedAndSizeDecideThePicture() throws {
        let checkpoint = try Checkpoint(RandomCheckpoint(.resNetBasic, .orepa, seed: 2).file())
        let first = try VerifierTests.verifier().verify(checkpoint)
        #expect(try VerifierTests.verifier().verify(checkpoint) == first)
        #expect(try VerifierTests.verifier(.init(seed: 9)).verify(checkpoint) != first)
        let large = try VerifierTests.verifier(.init(inputSize: 97)).verify(checkpoint)
        #expect(large?.inputSize == 97)
        #expect(large?.passed == true)
    }

    /// Weights whose input is zero everywhere in the picture's feature maps, and a bias that is small beside
    /// them, are checked all the same.
    @Test func noWeightIsOutOfReach() throws {
        var random = RandomCheckpoint(
            .init(repVGG: 4, depths: [1], widths: [4], classCount: 3), .base, seed: 1)
        // The second input channel of stage1.0 is dead, the third is huge.
        random["stage0.bn.bias"]?.values = [0, -1e6, 1e6, 0]
        let original = try TrainingNetwork(Checkpoint(random.file()))
        var changed = random
        changed["stage1.0.conv.weight"]?.values[9] *= 1.01
        var found = try VerifierTests.verifier()
            .compare(original, with: TrainingNetwork(Checkpoint(changed.file())).folded())
        #expect(found.failures.map(\.name) == ["stage1.0"])
        changed = random
        changed["stage1.0.bn.bias"]?.values[0] += 0.01
        found = try VerifierTests.verifier()
            .compare(original, with: TrainingNetwork(Checkpoint(changed.file())).folded())
        #expect(found.failures.map(\.name) == ["stage1.0"])
    }

    /// A picture on which some weight meets only padding is refused, or avoided when none is asked for.
    @Test func everyWeightMeetsAPixel() throws {
        let deep = RandomCheckpoint(
            .init(
                repVGG: 3, depths: [1, 1, 1, 1, 1, 1], widths: [3, 3, 3, 3, 3, 3], classCount: 4),
            .repVGG, seed: 1)
        let checkpoint = try Checkpoint(deep.file(path: "deep"))
        let found = try #require(try VerifierTests.verifier().verify(checkpoint))
        #expect(found.inputSize == 256)
        #expect(found.passed)
        #expect(
            throws: ConversionError.inputSize(
                path: "deep", node: "stage5.0", expected: 129, found: 64)
        ) {
            try VerifierTests.verifier(.init(inputSize: 64)).verify(checkpoint)
        }
        #expect(
            throws: ConversionError.inputSize(
                path: "deep", node: "input", expected: 129, found: 0)
        ) {
            try VerifierTests.verifier(.init(inputSize: 0)).verify(checkpoint)
        }
    }

    @Test func aModelFromAnotherFileFails() throws {
        let random = RandomCheckpoint(.repVGG, .orepaVGG, seed: 4)
        let model = try convertedModel(of: random)
        let own = try Checkpoint(random.file())
        #expect(try VerifierTests.verifier().verify(own, against: ("m", model))?.passed == true)

        // The same weights in a file with other bytes.
        var other = random
        other.tensors.swapAt(0, 1)
        let checkpoint = try Checkpoint(other.file(path: "other"))
        let expected = try #require(model.description.source?.sha256)
        let found = try #require(FileDigest.sha256(of: checkpoint.file))
        #expect(found != expected)
        #expect(
            throws: ConversionError.otherCheckpoint(
                model: "m", checkpoint: "other", expected: expected, found: found)
        ) {
            try VerifierTests.verifier().verify(checkpoint, against: ("m", model))
        }
    }

    /// It is the model's weights that are compared, not a fresh fold.
    @Test func aModelWithOtherWeightsFails() throws {
        let random = RandomCheckpoint(.resNetBasic, .orepa, seed: 4)
        let checkpoint = try Checkpoint(random.file())
        let model = try convertedModel(of: random)
        for name in model.network.tensors.keys.sorted() {
            var tensors = model.network.tensors
            let tensor = tensors[name]!
            tensors[name] = Tensor(shape: tensor.shape, values: tensor.values.map { $0 * 1.01 })
            let changed = try ModelFile(
                network: Network(graph: model.network.graph, tensors: tensors),
                description: model.description)
            let found = try #require(
                try VerifierTests.verifier().verify(checkpoint, against: ("m", changed)))
            let layer = name.text.split(separator: ".").dropLast(2).joined(separator: ".")
            #expect(
                found.failures.filter { $0.name != "logits" }.map(\.name)
                    == [layer.isEmpty ? "linear" : layer], "\(name)")
        }
    }

    /// A model without a record of where it came from is judged by its weights and its graph.
    @Test func aModelOfAnotherNetworkFails() throws {
        let random = RandomCheckpoint(.repVGG, .repVGG, seed: 4)
        var model = try convertedModel(of: random)
        var description = model.description
        description.source = nil
        model = try ModelFile(network: model.network, description: description)
        let own = try Checkpoint(random.file())
        #expect(try VerifierTests.verifier().verify(own, against: ("m", model))?.passed == true)
        let other = try Checkpoint(RandomCheckpoint(.repVGG, .repVGG, seed: 5).file(path: "other"))
        #expect {
            try VerifierTests.verifier().verify(other, against: ("m", model))
        } throws: { error in
            guard
                case .otherNetwork("m", "other", let expected, let found) = error
                    as? ConversionError
            else { return false }
            return expected != found
        }
    }

    /// A folded checkpoint and the model made from it can be compared.
    @Test func aFoldedCheckpointIsHeldAgainstItsModel() throws {
        let random = RandomCheckpoint(.repVGG, .deployed, seed: 4)
        let model = try convertedModel(of: random)
        #expect(model.description.verification == nil)
        let checkpoint = try Checkpoint(random.file())
        #expect(
            try VerifierTests.verifier().verify(checkpoint, against: ("m", model))?.passed == true)
    }

    @Test func infiniteAndMissingOutputsFail() {
        func error(_ unfused: [Double], _ folded: [Float]) -> Double {
            OutputComparison(name: "a", kind: "b", unfused: unfused, folded: folded).error
        }
        #expect(error([1, -4], [1, -3]) == 0.25)
        #expect(error([0, 0], [0, 0]) == 0)
        #expect(error([0, 0], [0, 1e-30]) == .infinity)
        #expect(error([1, .nan], [1, 1]) == .infinity)
        #expect(error([1, 2], [.nan, 2]) == .infinity)
        #expect(error([1, .infinity], [1, .infinity]) == .infinity)
        #expect(error([1, 2], [1, -.infinity]) == .infinity)
        #expect(error([1, 2], [1]) == .infinity)
    }

    /// Not-a-number in the unfused path alone, where the fold cannot find it.
    @Test func notANumberFails() throws {
        let random = RandomCheckpoint(.repVGG, .repVGG, seed: 8)
        let folded = try TrainingNetwork(Checkpoint(random.file())).folded()
        var broken = random
        broken["stage0.rbr_1x1.bn.bias"]?.values[0] = .nan
        let found = try VerifierTests.verifier()
            .compare(TrainingNetwork(Checkpoint(broken.file())), with: folded)
        #expect(found.failures.map(\.name).first == "stage0")
        #expect(found.failures.map(\.name).suffix(2) == ["logits", "logits, fast"])
        #expect(found.blocks[0].error == .infinity)
        // In the file itself, the fold names it.
        #expect {
            try VerifierTests.verifier().verify(Checkpoint(broken.file()))
        } throws: { "\($0)".contains("`stage0.rbr_1x1.bn.bias`: expected finite numbers") }
    }
}

/// The model that `random` converts to.
func convertedModel(of random: RandomCheckpoint) throws -> ModelFile {
    try withTemporaryFolder { folder in
        let path = "\(folder)/model.safetensors"
        return try Converter(
            options: .init(preprocessing: smallPreprocessing, tool: "test"),
            pool: WorkerPool(threadCount: 1)
        ).convert(Checkpoint(random.file()), to: path).model
    }
}

/// A network of one class whose logit, on the default picture, nearly cancels with its bias: so far that fast
/// numerics are off by five times what is expected of them.
func imprecise() throws -> RandomCheckpoint {
    var random = RandomCheckpoint(
        .init(repVGG: 16, depths: [1, 1], widths: [32, 32], classCount: 2), .repVGG, seed: 3)
    let features = random["linear.weight"]!.shape[1]
    random["linear.weight"] = .init(
        "linear.weight", [1, features], Array(random["linear.weight"]!.values.prefix(features)))
    random["linear.bias"] = .init("linear.bias", [1], [0])
    let pool = WorkerPool(threadCount: 1)
    let checkpoint = try Checkpoint(random.file())
    let found = try #require(try Verifier(pool: pool).verify(checkpoint))
    let size = found.inputSize
    let plan = try Plan(
        TrainingNetwork(checkpoint).folded(), height: size, width: size, numerics: .strict,
        pool: pool)
    let picture = ModelProbe.picture(
        seed: found.seed, channels: 3, height: size, width: size)
    let logit = try PlanContext(plan, pool: pool).run(picture, count: 1)[0]
    let left = found.fastLogits.error / (5 * Verification.fastTolerance)
    random["linear.bias"]!.values = [-logit * Float(1 - left)]
    return random
}
