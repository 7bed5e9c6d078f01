import Foundation
import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct ModelFileTests {
    static func model(
        classCount: Int = 4, labels: [String]? = ["cat", "dog", "ä\"\\", "boot"]
    ) throws -> ModelFile {
        let graph = try chain(
            linear: Linear(parameters: "linear", inputFeatures: 8, outputFeatures: classCount))
        var random = SeededRandom(1)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[name] = Tensor(shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        return try ModelFile(
            network: Network(graph: graph, tensors: tensors),
            description: ModelDescription(
                family: "RepVGG", blocks: ["OREPA RepVGG": 2],
                preprocessing: Preprocessing(
                    resize: 40, crop: 32, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]),
                labels: labels,
                source: .init(name: "c.pth", sha256: String(repeating: "ab", count: 32)),
                verification: VerificationRecord(
                    seed: 1, inputSize: 64, blockError: 1e-7, worstBlock: "a", blockTolerance: 1e-5,
                    logitError: 2e-7, logitTolerance: 5e-4, fastLogitError: 3e-7),
                assumptions: NetworkAssumptions(
                    strides: [2, 1, 2], stem: .small, hasStemPool: false, batchNormEpsilon: 1e-3,
                    stateDict: "model.ema", inputSize: 32),
                algorithms: PerNumerics(
                    fast: [
                        "a": .direct,
                        "b": .winograd(
                            rows: WinogradTiles(counts: [0, 0, 0, 4]),
                            columns: WinogradTiles(counts: [1, 0, 1, 3])), "linear": .direct,
                    ], strict: ["a": .direct, "b": .grouped, "linear": .direct]),
                probe: classCount != 4
                    ? nil
                    : ModelProbe(
                        seed: 9,
                        logits: PerNumerics(fast: [1, -2.5, 0, 1e-9], strict: [1, 2, 3, 4])),
                tool: "test 1"))
    }

    static func temporaryPath() -> String {
        FileManager.default.temporaryDirectory
            .appendingPathComponent("orepa-\(UUID().uuidString).safetensors").path
    }

    /// Writes the model with its document changed by `change`, and gives the path.
    static func written(change: (String) -> String) throws -> String {
        let path = temporaryPath()
        try model().write(to: path, overwrite: false)
        let file = try SafetensorsFile(FileBytes(mapping: path))
        let writer = try SafetensorsWriter(
            file.entries.map { SafetensorsWriter.Tensor($0, of: file) },
            metadata: ["format": "pt", "orepa.model": change(file.metadata["orepa.model"]!)])
        try writer.write(to: path, overwrite: true)
        return path
    }

    @Test func readsWhatItWrote() throws {
        let model = try ModelFileTests.model()
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try model.write(to: path, overwrite: false)
        let read = try ModelFile(path: path)
        #expect(read.description == model.description)
        #expect(read.network.graph == model.network.graph)
        for (name, tensor) in model.network.tensors {
            #expect(read.network.tensors[name]?.values == tensor.values)
            #expect(read.network.tensors[name]?.shape == tensor.shape)
        }
    }

    @Test func layoutIsAlignedAndWithoutHoles() throws {
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try ModelFileTests.model().write(to: path, overwrite: false)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let headerLength = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect((8 + headerLength) % 64 == 0)
        let file = try SafetensorsFile(FileBytes(mapping: path))
        var end = 8 + headerLength
        var seenOdd = false
        for entry in file.entries {
            #expect(entry.range.lowerBound == end)
            end = entry.range.upperBound
            if entry.range.count % 64 == 0 { #expect(!seenOdd) } else { seenOdd = true }
        }
        #expect(end == bytes.count)
        #expect(file.metadata["format"] == "pt")
    }

    @Test func neverOverwritesUnasked() throws {
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try "keep".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: ModelFileError.file(.exists(path: path))) {
            try ModelFileTests.model().write(to: path, overwrite: false)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "keep")
    }

    @Test func refusesANewerVersion() throws {
        let path = try ModelFileTests.written {
            $0.replacingOccurrences(of: "\"version\":1", with: "\"version\":7,\"graph2\":{}")
        }
        defer { unlink(path) }
        #expect(throws: ModelFileError.newerVersion(path: path, known: 1, found: 7)) {
            try ModelFile(path: path)
        }
    }

    @Test func ignoresUnknownKeys() throws {
        let path = try ModelFileTests.written {
            $0.replacingOccurrences(of: "\"version\":1", with: "\"version\":1,\"later\":[1]")
        }
        defer { unlink(path) }
        let expected = try ModelFileTests.model().description
        #expect(try ModelFile(path: path).description == expected)
    }

    /// Files of before there were algorithms and a probe in them.
    @Test func readsFilesWithoutAlgorithmsAndProbe() throws {
        let path = try ModelFileTests.written { document in
            ["algorithms", "probe", "fast_logit_error"].reduce(document) {
                $0.replacingOccurrences(of: "\"\($1)\":", with: "\"later \($1)\":")
            }
        }
        defer { unlink(path) }
        let description = try ModelFile(path: path).description
        #expect(description.algorithms == nil)
        #expect(description.probe == nil)
        #expect(description.verification?.fastLogitError == nil)
        #expect(description.verification?.logitError == 2e-7)
    }

    @Test(arguments: [
        ("\"kernel\":3", "\"kernel\":\"x\"", "graph.0.kernel"),
        ("\"operation\":\"linear\"", "\"operation\":\"softmax\"", "graph.linear.operation"),
        ("\"padding\":1,", "", "graph.a.padding"),
        ("\"family\":\"RepVGG\",", "", "family"),
        ("\"crop\":32", "\"crop\":33", "input"),
        ("\"resize\":40", "\"resize\":0", "preprocessing.resize"),
        ("\"std\":[0.4,", "\"std\":[0,", "preprocessing.std"),
        ("\"std\":[0.4,", "\"std\":[", "preprocessing.std"),
        ("bilinear", "nearest", "preprocessing.interpolation"),
        ("\"labels\":[\"cat\",", "\"labels\":[", "labels"),
        ("\"channels\":3", "\"channels\":99999999999999999999999", "orepa.model"),
        ("\"name\":\"winograd\"", "\"name\":\"fft\"", "algorithms.fast.b.name"),
        ("\"rows\":[0,0,0,4]", "\"rows\":[0,0,0,5]", "algorithms.fast.b.rows"),
        ("\"columns\":[1,0,1,3]", "\"columns\":[0,0,1,3]", "algorithms.fast.b.columns"),
        ("\"rows\":[0,0,0,4]", "\"rows\":[0,0,4]", "algorithms.fast.b.rows"),
        ("\"rows\":[0,0,0,4]", "\"rows\":[0,0,0,0,0]", "algorithms.fast.b.rows"),
        ("\"rows\":[0,0,0,4]", "\"rows\":[-4,0,0,5]", "algorithms.fast.b.rows"),
        (
            "\"rows\":[0,0,0,4]", "\"rows\":[0,0,0,9223372036854775807]",
            "algorithms.fast.b.rows"
        ),
        ("\"rows\":[0,0,0,4]", "\"later\":1", "algorithms.fast.b.rows"),
        ("\"columns\":[1,0,1,3],", "", "algorithms.fast.b.columns"),
        ("\"a\":{\"name\":\"direct\"},", "", "algorithms.fast.a"),
        ("\"fast\":{\"a\"", "\"fast\":{\"0\":{\"name\":\"stem\"},\"a\"", "algorithms.fast"),
        ("\"name\":\"grouped\"", "\"name\":\"stem\"", "algorithms.strict.b.name"),
        (
            "\"name\":\"grouped\"",
            "\"name\":\"winograd\",\"rows\":[0,0,0,4],\"columns\":[0,0,0,4]",
            "algorithms.strict.b.name"
        ),
        ("\"strict\":{\"a\"", "\"other\":{\"a\"", "algorithms.strict"),
        ("\"seed\":9", "\"seed\":\"9\"", "probe.seed"),
        ("\"fast\":[1,", "\"fast\":[", "probe.logits.fast"),
        ("\"strict\":[1,", "\"strict\":[1,1,", "probe.logits.strict"),
        ("\"strict\":[1,", "\"strict\":[null,", "probe.logits.strict.0"),
        ("\"strict\":[1,", "\"strict\":[1e99,", "orepa.model"),
        ("\"input_size\":32", "\"input_size\":33", "assumptions.input_size"),
        ("\"stem_pool\":false", "\"stem_pool\":true", "assumptions.stem_pool"),
        ("\"bn_epsilon\":0.001", "\"bn_epsilon\":0", "assumptions.bn_epsilon"),
    ])
    func namesTheFieldThatIsWrong(original: String, replacement: String, field: String) throws {
        let path = try ModelFileTests.written { document in
            let range = document.range(of: original)!
            return document.replacingCharacters(in: range, with: replacement)
        }
        defer { unlink(path) }
        do {
            _ = try ModelFile(path: path)
            Issue.record("read a model with \(replacement)")
        } catch ModelFileError.malformed(let errorPath, let found, _, _) {
            #expect(errorPath == path)
            #expect(found == field)
        }
    }

    @Test func namesTheTensorThatIsWrong() throws {
        let path = try ModelFileTests.written {
            $0.replacingOccurrences(of: "\"parameters\":\"b\"", with: "\"parameters\":\"c\"")
        }
        defer { unlink(path) }
        #expect(
            throws: ModelFileError.network(
                path: path, .missingTensor(name: "c.weight", expected: [8, 4, 3, 3]))
        ) { try ModelFile(path: path) }
    }

    @Test func otherSafetensorsFilesAreNoModels() throws {
        let path = ModelFileTests.temporaryPath()
        defer { unlink(path) }
        try SafetensorsWriter([.init(name: "x", shape: [1], values: [Float(1)])])
            .write(to: path, overwrite: false)
        #expect(throws: ModelFileError.notAModel(path: path)) { try ModelFile(path: path) }
        #expect(throws: ModelFileError.file(.notFound(path: path + "x"))) {
            try ModelFile(path: path + "x")
        }
    }

    @Test func refusesLabelsThatDoNotCount() {
        #expect(
            throws: ModelFileError.malformed(
                path: "model", field: "labels", expected: "4 names", found: "1")
        ) { try ModelFileTests.model(labels: ["cat"]) }
    }

    @Test func networksNameTheTensorsThatDoNotFit() throws {
        let graph = try chain()
        var tensors = try ModelFileTests.model().network.tensors
        tensors["x"] = Tensor(shape: [1], values: [1])
        #expect(throws: NetworkError.unknownTensor(name: "x")) {
            try Network(graph: graph, tensors: tensors)
        }
        tensors["x"] = nil
        tensors["a.bias"] = Tensor(shape: [7], values: [Float](repeating: 0, count: 7))
        #expect(throws: NetworkError.tensorShape(name: "a.bias", expected: [8], found: [7])) {
            try Network(graph: graph, tensors: tensors)
        }
    }
}
