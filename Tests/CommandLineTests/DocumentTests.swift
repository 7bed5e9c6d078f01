import Foundation
import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import TestSupport
import Testing

/// Model files whose document, weights or probe are not what conversion wrote: what a file says of itself has to hold.
@Suite struct DocumentTests {
    let checkpoint = fixture("checkpoints/repvgg-orepa_vgg.pth.tar")
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The model at `path` with `pattern`, which the document has, replaced in it, and tensors by what `values` gives.
    private func changed(
        _ path: String, _ changes: [(pattern: String, replacement: String)],
        values: (String, [Float]) -> [Float] = { $1 }
    ) throws -> String {
        let file = try SafetensorsFile(FileBytes(mapping: path))
        var document = try #require(file.metadata["orepa.model"])
        for (pattern, replacement) in changes {
            let range = try #require(
                document.range(of: pattern, options: .regularExpression), "\(pattern)")
            document.replaceSubrange(range, with: replacement)
        }
        let writer = try SafetensorsWriter(
            file.entries.map {
                SafetensorsWriter.Tensor(
                    name: $0.name, shape: $0.shape,
                    values: values($0.name, file.elements(of: $0, as: Float.self)))
            }, metadata: ["format": "pt", "orepa.model": document])
        let changed = folder.file("changed.safetensors")
        try writer.write(to: changed, overwrite: true)
        return changed
    }

    private static let noProbe: (pattern: String, replacement: String) = (
        #""probe":\{[^}]*\},"seed":1\},"#, ""
    )

    struct Change: Sendable {
        let pattern: String
        let replacement: String
        /// What the error says.
        let expected: String
    }

    static let changes = [
        Change(
            pattern: #""family":"RepVGG""#, replacement: #""family":"ResNet""#,
            expected: "`family` in the model's description: expected RepVGG, as in "),
        Change(
            pattern: #""blocks":\{[^}]*\}"#, replacement: #""blocks":{"DBB":3}"#,
            expected: "`blocks` in the model's description: expected "),
        Change(
            pattern: #""OREPA RepVGG":"#, replacement: #""DBB":"#,
            expected: "in the model's description: expected "),
        Change(
            pattern: #""input_size":64,"state"#, replacement: #""input_size":999,"state"#,
            expected:
                "`assumptions.input_size` in the model's description: expected 64, as the crop, found 999"
        ),
        Change(
            pattern: #""strides":\[2,"#, replacement: #""strides":[1,"#,
            expected:
                "`assumptions.strides` in the model's description: expected 2,2,2,2,2, as in the graph, "
                + "found 1,2,2,2,2"),
        Change(
            pattern: #""stem":null"#, replacement: #""stem":"small""#,
            expected:
                "`assumptions.stem` in the model's description: expected none, as in the graph, found small"
        ),
        Change(
            pattern: #""block_error":[^,]+,"#, replacement: #""block_error":1,"#,
            expected:
                "`verification.block_error` in the model's description: expected 0 to 1e-05, found 1.0"
        ),
        Change(
            pattern: #""worst_block":"[^"]*""#, replacement: #""worst_block":"x""#,
            expected:
                "`verification.worst_block` in the model's description: expected a layer, found x"),
        Change(
            pattern: #""fast":\[[^,]+,"#, replacement: #""fast":[1,"#,
            expected: "the probe picture's logit 0 (fast): expected 1.0, found "),
        Change(
            pattern: #""strict":\[[^,]+,"#, replacement: #""strict":[1,"#,
            expected: "the probe picture's logit 0 (strict): expected 1.0, found "),
        Change(
            pattern: #""seed":1\},"source""#, replacement: #""seed":2},"source""#,
            expected: "the probe picture's logit 0 (fast): expected "),
        Change(
            pattern: #""mean":\[[^\]]*\]"#, replacement: #""mean":"x""#,
            expected: "`preprocessing.mean` in the model's description: expected an array"),
        Change(
            pattern: #""version":1"#, replacement: #""version":2"#,
            expected: "the model has version 2"),
        Change(
            pattern: ".*", replacement: "{",
            expected: "`orepa.model` in the model's description: expected "),
    ]

    /// Nothing in a file that claims to be a model is overlooked, and no other model is made of it.
    @Test(arguments: changes) func whatDoesNotHoldIsRefused(change: Change) throws {
        let model = try changed(Models.repVGG(), [(change.pattern, change.replacement)])
        for arguments in [
            ["verify", model], ["verify", checkpoint, model],
            ["convert", model, folder.file("again")],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65, "\(arguments)")
            #expect(
                result.errors.contains("\(model): ") && result.errors.contains(change.expected),
                "\(result.errors)")
        }
        #expect(folder.names == ["changed.safetensors"])
    }

    @Test func aDigestThatIsNone() throws {
        let model = try changed(
            Models.repVGG(), [(#""sha256":"[0-9a-f]*""#, #""sha256":"zz""#)])
        let result = try Program.run(["verify", model])
        #expect(result.status == 65)
        #expect(
            result.errors.contains(
                "`source.sha256` in the model's description: expected 64 hexadecimal digits, found zz"
            ))
    }

    /// The checkpoint has its tensors elsewhere, and batch norms.
    @Test(arguments: [
        (#""state_dict":"state_dict""#, #""state_dict":"ema""#, "expected `state_dict`, as in "),
        (#""state_dict":"state_dict""#, #""state_dict":null"#, "expected `state_dict`, as in "),
        (#""bn_epsilon":1e-05"#, #""bn_epsilon":null"#, "expected 1e-05, as in "),
    ])
    func assumptionsThatTheCheckpointContradicts(
        pattern: String, replacement: String, expected: String
    ) throws {
        let model = try changed(Models.repVGG(), [(pattern, replacement)])
        let result = try Program.run(["verify", checkpoint, model])
        #expect(result.status == 65)
        #expect(result.errors.contains(expected), "\(result.errors)")
    }

    /// Every weight of the last layer negated under the probe of before.
    @Test func otherWeights() throws {
        let model = try changed(Models.repVGG(), []) { name, values in
            name == "linear.weight" ? values.map { -$0 } : values
        }
        let table = try Program.run(["verify", model])
        #expect(table.status == 65)
        #expect(table.errors.contains("\(model): the probe picture's logit 0 (fast)"))
        #expect(table.lines.last == "probe of seed 1: OTHER logits (fast)")
        let json = try Program.run(["verify", model, "--format", "json"])
        #expect(json.status == 65)
        let report = try #require(json.json() as? [String: Any])
        let probe = try #require(report["probe"] as? [String: Any])
        #expect(probe["passed"] as? Bool == false)
        #expect(probe["seed"] as? String == "1")
    }

    /// The graph is what the file runs as; tensors that are recognised as another network become no model.
    @Test func anotherGraphThanTheTensorsShow() throws {
        let model = try changed(
            Models.repVGG(), [(#""relu":true"#, #""relu":false"#), DocumentTests.noProbe])
        #expect(try Program.run([boot, "--model", model]).status == 0)
        for arguments in [["verify", model], ["convert", model, folder.file("again")]] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(
                result.errors.contains(
                    "\(model): the tensors are recognised as another network than the file's graph is: "
                        + "expected `stage0`, a 3x3 convolution"), "\(result.errors)")
            #expect(result.errors.contains("; what is not in the tensors and could be the cause: "))
            #expect(result.errors.contains("strides 2,2,2,2,2 (--strides)"))
        }
        let stride = try changed(
            Models.repVGG(),
            [
                (#""stride":2"#, #""stride":1"#), DocumentTests.noProbe,
                (#""algorithms":\{.*?\},"assumptions""#, #""assumptions""#),
            ])
        for arguments in [
            ["verify", stride], ["convert", stride, folder.file("again")],
            [boot, "--model", stride],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(
                result.errors.contains(
                    "`assumptions.strides` in the model's description: expected 1,2,2,2,2, as in the graph"
                ))
        }
        #expect(folder.names == ["changed.safetensors"])
    }

    /// A file that does not record its assumptions is converted as what its graph shows.
    @Test(arguments: [
        ("resnet-small", ["--stem", "small"], ["--stem", "imagenet"], "--stem"),
        ("repvgg-strides", ["--strides", "1,2,1,3,1"], ["--strides", "2,2,2,2,2"], "--strides"),
    ])
    func filesWithoutAssumptionsKeepTheirGraph(
        name: String, options: [String], others: [String], option: String
    ) throws {
        let training = fixture("assumptions/\(name).pth")
        let written = folder.file("written.safetensors")
        let first = try Program.run(
            ["convert", training, written, "--input-size", "32"] + options)
        #expect(first.status == 0, "\(first.errors)")
        let old = try changed(written, [(#""assumptions":\{[^}]*\},"#, "")])
        try #require(ModelFile(path: old).description.assumptions == nil)
        let inspected = try Program.run(["inspect", old])
        #expect(
            inspected.lines.contains {
                $0.hasPrefix("assumptions ") && $0.hasSuffix(" not recorded")
            })
        let report = try Program.run(["inspect", old, "--format", "json"]).json()
        #expect((report as? [String: Any])?["assumptions"] is NSNull)
        let again = folder.file("again.safetensors")
        let converted = try Program.run(["convert", old, again])
        #expect(converted.status == 0, "\(converted.errors)")
        let (expected, found) = (try ModelFile(path: written), try ModelFile(path: again))
        #expect(found.network.graph == expected.network.graph)
        #expect(found.description.probe == expected.description.probe)
        #expect(
            found.description.assumptions?.strides == expected.description.assumptions?.strides)
        for arguments in [["verify", old], ["verify", training, old], ["verify", old, again]] {
            let verified = try Program.run(arguments)
            #expect(verified.status == 0, "\(verified.errors)")
        }
        for arguments in [["convert", old, folder.file("other")], ["verify", old]] {
            let refused = try Program.run(arguments + others)
            #expect(refused.status == 65)
            #expect(
                refused.errors.contains("another network than the file's graph")
                    && refused.errors.contains("(\(option))"), "\(refused.errors)")
        }
        #expect(
            folder.names.sorted()
                == ["again.safetensors", "changed.safetensors", "written.safetensors"])
    }
}
