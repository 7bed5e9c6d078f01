import Foundation
import OrepaFiles
import OrepaImage
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct ConvertTests {
    /// Converts, verifies and runs a fixture through the program alone.
    @Test(arguments: CheckpointFixture.all) func everyFixture(name: String) throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model.safetensors")
        let checkpoint = fixture("checkpoints/" + name)
        let converted = try Program.run(["convert", checkpoint, model])
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(converted.errors == "")
        #expect(
            converted.lines[0].hasPrefix("\(model): Re")
                || converted.lines[0].hasPrefix("\(model): RepVGG"))
        let verified = try Program.run(["verify", checkpoint, model])
        #expect(verified.status == 0, "\(verified.errors)")
        // What it says of itself holds, and stays when it is written anew.
        let alone = try Program.run(["verify", model])
        #expect(alone.status == 0, "\(alone.errors)")
        #expect(
            alone.lines.last == "probe of seed 1: the same logits to the bit, fast and strict")
        let again = try Program.run(["convert", model, folder.file("again.safetensors")])
        #expect(again.status == 0, "\(again.errors)")
        let both = try Program.run(["verify", model, folder.file("again.safetensors")])
        #expect(both.status == 0, "\(both.errors)")
        let golden = try SafetensorsFile(
            FileBytes(mapping: CheckpointFixture.path(CheckpointFixture.golden(name))))
        let run = try Program.run([
            "run", model, "--input", golden.file.path, "--output", folder.file("logits"),
        ])
        #expect(run.status == 0)
        let output = try SafetensorsFile(FileBytes(mapping: folder.file("logits")))
        let logits = output.elements(of: output["logits"]!, as: Float.self)
        let expected = golden.elements(of: golden["logits"]!, as: Double.self)
        let error = zip(logits, expected).map { abs(Double($0) - $1) }.max()!
        #expect(error <= 1e-5 * expected.map(abs).max()!)
        try checkKernels(of: model, golden: golden)
    }

    /// Every `deploy.` tensor is in the model under its published name, to 2e-7 of its largest value.
    private func checkKernels(of path: String, golden: SafetensorsFile) throws {
        let model = try SafetensorsFile(FileBytes(mapping: path))
        for entry in golden.entries where entry.name.hasPrefix("deploy.") {
            let name = String(entry.name.dropFirst("deploy.".count))
            let found = try #require(model[name], "\(name)")
            #expect(found.shape == entry.shape)
            let values = model.elements(of: found, as: Float.self)
            let expected = golden.elements(of: entry, as: Float.self)
            let error = zip(values, expected).map { abs($0 - $1) }.max()!
            #expect(error <= 2e-7 * expected.map(abs).max()!, "\(name)")
        }
    }

    let checkpoint = fixture("checkpoints/repvgg-repvgg.pth")

    /// It is recorded, kept when the model is converted anew, and what pictures are resized by.
    @Test func interpolationIsKeptAndUsed() throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model.safetensors")
        let converted = try Program.run([
            "convert", checkpoint, model, "--interpolation", "bicubic", "--input-size", "64",
        ])
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(converted.lines.contains("given: interpolation bicubic"))
        let again = try Program.run(["convert", model, folder.file("again")])
        #expect(again.lines.contains("recorded: interpolation bicubic"))
        for path in [model, folder.file("again")] {
            let inspected = try Program.run(["inspect", path, "--format", "json"])
            let facts = try #require(try inspected.json() as? [String: Any])
            let preprocessing = try #require(facts["preprocessing"] as? [String: Any])
            #expect(preprocessing["interpolation"] as? String == "bicubic")
            let crop = try Program.run(["preprocess", boot, "--model", path, "--output", "-"])
            let picture = try ImageDecoder.decode(
                [UInt8](Data(contentsOf: URL(fileURLWithPath: boot)))
            ).image
            func expected(_ filter: ResamplingFilter) throws -> RGBImage {
                try picture.resizedAndCenterCropped(
                    shorterSide: 73, width: 64, height: 64, filter: filter)
            }
            let found = try ImageDecoder.decode([UInt8](crop.output)).image
            #expect(try found == expected(.bicubic))
            #expect(try found != expected(.bilinear))
        }
        let unknown = try Program.run([
            "convert", checkpoint, folder.file("other"), "--interpolation", "nearest",
        ])
        #expect(unknown.status == 64)
        for name in ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] {
            #expect(unknown.errors.contains("'\(name)'"), "\(unknown.errors)")
        }
    }

    @Test func neverOverwritesWithoutForce() throws {
        let folder = try TemporaryFolder()
        let output = try folder.write("precious", "model")
        let refused = try Program.run(["convert", checkpoint, output])
        #expect(refused.status == 73)
        #expect(refused.errors == "orepa-infer: \(output): exists already\n")
        #expect(try String(contentsOfFile: output, encoding: .utf8) == "precious")
        #expect(try Program.run(["convert", checkpoint, output, "--force"]).status == 0)
        #expect(try Program.run(["inspect", output]).status == 0)
        #expect(folder.names == ["model"])
    }

    @Test func leavesNothingBehindWhenItFails() throws {
        let folder = try TemporaryFolder()
        let output = folder.file("model")
        let whole = try Data(contentsOf: URL(fileURLWithPath: checkpoint))
        try whole.dropLast(100).write(to: URL(fileURLWithPath: folder.file("cut.pth")))
        #expect(try Program.run(["convert", folder.file("cut.pth"), output]).status == 65)
        #expect(try Program.run(["convert", folder.file("none.pth"), output]).status == 66)
        #expect(
            try Program.run(["convert", checkpoint, output, "--block-tolerance", "0"]).status == 65)
        #expect(try Program.run(["convert", checkpoint, output, "--tolerance", "-1"]).status == 64)
        #expect(
            try Program.run(["convert", checkpoint, folder.file("no/such/model")]).status == 73)
        #expect(try Program.run(["convert", checkpoint]).status == 64)
        #expect(
            try Program.run(["convert", folder.file("cut.pth"), folder.file("cut.pth"), "--force"])
                .status == 73)
        #expect(folder.names == ["cut.pth"])
    }

    @Test(arguments: [
        ([], 224, 256), (["--input-size", "160"], 160, 182), (["--input-size", "320"], 320, 365),
        (["--input-size", "224", "--resize", "232"], 224, 232),
        (["--resize", "300"], 224, 300), (["--preset", "imagenet", "--input-size", "56"], 56, 64),
    ])
    func preprocessingOptions(options: [String], crop: Int, resize: Int) throws {
        let folder = try TemporaryFolder()
        let output = folder.file("model")
        let colours = ["--mean", "0.5,0.25,0.125", "--std", "1,2,3"]
        #expect(try Program.run(["convert", checkpoint, output] + options + colours).status == 0)
        let json = try #require(
            try Program.run(["inspect", output, "--format", "json"]).json() as? [String: Any])
        let preprocessing = try #require(json["preprocessing"] as? [String: Any])
        #expect(preprocessing["crop"] as? Int == crop)
        #expect(preprocessing["resize"] as? Int == resize)
        #expect(preprocessing["mean"] as? [Double] == [0.5, 0.25, 0.125])
        #expect(preprocessing["std"] as? [Double] == [1, 2, 3])
        #expect(json["labels"] is NSNull)
    }

    @Test(arguments: [
        ["--mean", "1,2"], ["--std", "0,1,1"], ["--input-size", "0"], ["--resize", "-3"],
        ["--preset", "coco"],
        ["--mean", "a,b,c"],
    ])
    func wrongPreprocessingIsWrongUsage(options: [String]) throws {
        let folder = try TemporaryFolder()
        #expect(
            try Program.run(["convert", checkpoint, folder.file("model")] + options).status == 64)
        #expect(folder.names == [])
    }

    @Test func labelsMustCount() throws {
        let folder = try TemporaryFolder()
        let output = folder.file("model")
        let two = try folder.write("a\nb\n", "two.txt")
        let wrong = try Program.run(["convert", checkpoint, output, "--labels", two])
        #expect(wrong.status == 65)
        #expect(wrong.errors.contains("\(two): expected 10 names"))
        let ten = try folder.write(
            (0..<10).map { "class \($0)" }.joined(separator: "\n"), "ten.txt")
        #expect(try Program.run(["convert", checkpoint, output, "--labels", ten]).status == 0)
        let answer = try Program.run(["--model", output, boot, "--format", "csv", "--top-k", "1"])
        #expect(answer.text.contains(",class "))
    }

    @Test func hostileGlobalsAreRefusedByName() throws {
        let folder = try TemporaryFolder()
        // Protocol 2: a global and a call of it, as the legacy format's first pickle.
        let pickle = Data(
            "\u{80}\u{2}cos\nsystem\nX\u{4}\0\0\0true\u{85}R.".unicodeScalars.map {
                UInt8($0.value)
            })
        try pickle.write(to: URL(fileURLWithPath: folder.file("evil.pth")))
        let result = try Program.run(["convert", folder.file("evil.pth"), folder.file("model")])
        #expect(result.status == 65)
        #expect(folder.names == ["evil.pth"])
    }

    @Test func thousandClassesGetImageNetsNames() throws {
        let folder = try TemporaryFolder()
        // The fixture with a wider last layer.
        let source = try SafetensorsFile(
            FileBytes(mapping: fixture("checkpoints/repvgg-dbb.safetensors")))
        var tensors = source.entries.filter { !$0.name.hasPrefix("linear.") }
            .map { SafetensorsWriter.Tensor($0, of: source) }
        let features = source["linear.weight"]!.shape[1]
        var random = SeededRandom(1)
        tensors.append(
            .init(
                name: "linear.weight", shape: [1000, features],
                values: random.floats(1000 * features)))
        tensors.append(.init(name: "linear.bias", shape: [1000], values: random.floats(1000)))
        try SafetensorsWriter(tensors).write(to: folder.file("wide.safetensors"), overwrite: false)
        let output = folder.file("model")
        #expect(try Program.run(["convert", folder.file("wide.safetensors"), output]).status == 0)
        let inspected = try Program.run(["inspect", output])
        #expect(inspected.text.contains("labels (1000)\n     0  tench\n"))
        #expect(inspected.text.hasSuffix("   999  toilet tissue\n"))
    }

    /// A refused checkpoint ends the program while its SHA-256 is still being computed on another thread.
    @Test func refusalsNeverCrash() throws {
        let folder = try TemporaryFolder()
        let source = try SafetensorsFile(
            FileBytes(mapping: fixture("checkpoints/repvgg-dbb.safetensors")))
        let name = "stage1.0.dbb_origin.conv.weight"
        var tensors = source.entries.filter { $0.name != name }
            .map { SafetensorsWriter.Tensor($0, of: source) }
        let entry = source[name]!
        tensors.append(
            .init(
                name: name, shape: entry.shape,
                values: [Float](repeating: .nan, count: entry.elementCount)))
        try SafetensorsWriter(tensors).write(to: folder.file("nan.safetensors"), overwrite: false)
        for _ in 0..<60 {
            let result = try Program.run([
                "convert", folder.file("nan.safetensors"), folder.file("model"),
            ])
            #expect(result.status == 65)
            #expect(result.errors.contains(name))
        }
        #expect(folder.names == ["nan.safetensors"])
    }

    @Test func aDeployedModelKeepsItsDescription() throws {
        let folder = try TemporaryFolder()
        let model = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")
        let again = try Program.run(["convert", model, folder.file("again")])
        #expect(again.status == 0)
        #expect(again.text.contains("folded already; there was nothing to verify"))
        let arguments = [boot, "--format", "jsonl", "--output-type", "logit"]
        let expected = try Program.run(arguments + ["--model", model])
        #expect(
            try Program.run(arguments + ["--model", folder.file("again")]).text == expected.text)
    }

    @Test func standardOutputIsNoModelFile() throws {
        let result = try Program.run(["convert", fixture("checkpoints/repvgg-repvgg.pth"), "-"])
        #expect(result.status == 64)
    }

    @Test func forceWritesThroughLinks() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("old", "target")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: "target")
        let result = try Program.run([
            "convert", fixture("checkpoints/repvgg-repvgg.pth"), folder.file("link"), "--force",
        ])
        #expect(result.status == 0)
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link"))
                == "target")
        #expect(try Program.run(["inspect", folder.file("target")]).status == 0)
    }

    @Test func pipesInPlaceOfFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        for arguments in [
            ["inspect", pipe], ["convert", pipe, folder.file("m")], [boot, "--model", pipe],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(result.errors.contains("expected a regular file"))
        }
    }
}
