import Foundation
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct AssumptionOptionsTests {
    private func checkpoint(_ name: String) -> String { fixture("assumptions/\(name).pth") }
    private func reference(_ name: String) -> String {
        fixture("assumptions/\(name).reference.safetensors")
    }

    private func object(_ result: Program.Result) throws -> [String: Any] {
        try #require(try result.json() as? [String: Any])
    }

    struct Network: Sendable {
        let name: String
        let options: [String]
        /// What is printed about it, and the record.
        let lines: [String]
        let strides: [Int]
        var stem: String?
        var epsilon = 1e-5
        var stateDict = "state_dict"
    }

    static let networks = [
        Network(
            name: "repvgg-strides", options: ["--strides", "1,2,1,3,1"],
            lines: [
                "given: strides 1,2,1,3,1", "assumed: bn epsilon 1e-05 (--bn-epsilon)",
                "assumed: state dict `state_dict` (--state-dict)", "given: input size 32",
            ], strides: [1, 2, 1, 3, 1]),
        Network(
            name: "repvgg-epsilon", options: ["--bn-epsilon", "1e-3"],
            lines: [
                "assumed: strides 2,2,2,2,2 (--strides)", "given: bn epsilon 0.001",
            ], strides: [2, 2, 2, 2, 2], epsilon: 1e-3),
        Network(
            name: "repvgg-averaged", options: ["--state-dict", "averages.ema.decay"],
            lines: ["given: state dict `averages.ema.decay`"], strides: [2, 2, 2, 2, 2],
            stateDict: "averages.ema.decay"),
        Network(
            name: "resnet-small", options: ["--stem", "small"],
            lines: ["assumed: strides 1,1,2,2,2 (--strides)", "given: stem small, no pool"],
            strides: [1, 1, 2, 2, 2], stem: "small"),
        Network(
            name: "resnet-imagenet", options: ["--stem", "imagenet"],
            lines: ["given: stem imagenet, with a max pool"], strides: [2, 1, 2, 2, 2],
            stem: "imagenet"),
    ]

    private func check(_ assumptions: Any?, _ network: Network, inputSize: Int?) throws {
        let found = try #require(assumptions as? [String: Any])
        #expect(
            Set(found.keys)
                == ["strides", "stem", "stem_pool", "bn_epsilon", "state_dict", "input_size"])
        #expect(found["strides"] as? [Int] == network.strides)
        #expect(found["stem"] as? String == network.stem)
        #expect(found["stem_pool"] as? Bool == (network.stem == "imagenet"))
        #expect(found["bn_epsilon"] as? Double == network.epsilon)
        #expect(found["state_dict"] as? String == network.stateDict)
        #expect(found["input_size"] as? Int == inputSize)
    }

    /// Without options another network, which the reference tells; with them the right one, recorded, verified and
    /// described.
    @Test(arguments: networks) func aNetworkOfItsOwn(network: Network) throws {
        let folder = try TemporaryFolder()
        let (checkpoint, model) = (checkpoint(network.name), folder.file("model"))
        let proof = ["--reference", reference(network.name)]
        let assumed = try Program.run(["convert", checkpoint, model] + proof)
        #expect(assumed.status == 65)
        #expect(assumed.errors.contains(network.options[0]))
        #expect(folder.names == [])
        let size = ["--input-size", "32"]
        let converted = try Program.run(
            ["convert", checkpoint, model] + network.options + proof + size)
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(converted.errors == "")
        for line in network.lines {
            #expect(converted.lines.contains(line), "\(converted.text)")
        }
        #expect(converted.lines.last?.hasPrefix("reference: logit error ") == true)
        #expect(converted.text.hasSuffix("on 2 pictures of 24x24\n"))

        let inspected = try Program.run(["inspect", model, "--format", "json"])
        try check(object(inspected)["assumptions"], network, inputSize: 32)
        let described = try Program.run(
            ["inspect", checkpoint, "--format", "json"] + network.options)
        try check(object(described)["assumptions"], network, inputSize: 224)
        #expect(try Program.run(["inspect", model]).text.contains("strides "))

        // The model's record is enough.
        let verified = try Program.run(["verify", checkpoint, model] + proof)
        #expect(verified.status == 0, "\(verified.errors)")
        #expect(verified.errors == "")
        #expect(
            verified.lines.contains(
                "recorded: strides \(network.strides.map(String.init).joined(separator: ","))"))
        let alone = try Program.run(["verify", model, "--format", "json"] + proof)
        #expect(alone.status == 0)
        try check(object(alone)["assumptions"], network, inputSize: 32)
        #expect((try object(alone)["reference"] as? [String: Any])?["passed"] as? Bool == true)
        // And stays with the model when it is converted again.
        let again = try Program.run(["convert", model, folder.file("again"), "--format", "json"])
        #expect(again.status == 0, "\(again.errors)")
        try check(object(again)["assumptions"], network, inputSize: 32)
    }

    @Test func convertReportsAsJSON() throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model")
        let arguments = [
            "convert", checkpoint("repvgg-averaged"), model, "--format", "json", "--reference",
            reference("repvgg-averaged"),
        ]
        let failed = try Program.run(arguments)
        #expect(failed.status == 65)
        let failure = try object(failed)
        #expect(failure["passed"] as? Bool == false)
        #expect(failure["model"] is NSNull)
        #expect((failure["error"] as? String)?.contains("`averages.ema.decay`") == true)
        #expect((failure["warnings"] as? [String])?.count == 1)
        #expect(
            (failure["reference"] as? [String: Any])?["logit_error"] as? Double ?? 0 > 0.1)
        let done = try object(
            try Program.run(arguments + ["--state-dict", "averages.ema.decay"]))
        #expect(done["passed"] as? Bool == true)
        #expect(done["model"] as? String == model)
        #expect(done["classes"] as? Int == 5)
        #expect(done["blocks"] as? [String: Int] == ["RepVGG": 9])
        #expect((done["warnings"] as? [String])?.isEmpty == true)
        #expect(
            (done["verification"] as? [String: Any])?["block_error"] as? Double ?? 1 < 1e-5)
    }

    /// Averaged weights beside those that are taken.
    @Test(arguments: ["convert", "verify", "inspect"])
    func anotherStateDictIsNamed(command: String) throws {
        let folder = try TemporaryFolder()
        let path = checkpoint("repvgg-averaged")
        let output = command == "convert" ? [folder.file("model")] : []
        let result = try Program.run([command, path] + output)
        #expect(result.status == 0)
        #expect(
            result.errors
                == "orepa-infer: warning: \(path): takes the state dict `state_dict`; there is "
                + "another under `averages.ema.decay`, perhaps averaged weights, which --state-dict "
                + "averages.ema.decay takes\n")
        let told = try Program.run(
            [command, path] + output + ["--state-dict", "state_dict"]
                + (command == "convert" ? ["--force"] : []))
        #expect(told.errors == "")
    }

    @Test func optionsThatContradictTheRecordAreNamed() throws {
        let path = try Models.repVGG()
        let checkpoint = fixture("checkpoints/repvgg-orepa_vgg.pth.tar")
        let strides = try Program.run(["verify", checkpoint, path, "--strides", "2,1,2,2,2"])
        #expect(strides.status == 65)
        #expect(
            strides.errors.contains(
                "warning: --strides 2,1,2,2,2 contradicts \(path), which was made with 2,2,2,2,2"))
        let epsilon = try Program.run(["verify", checkpoint, path, "--bn-epsilon", "0.01"])
        #expect(epsilon.status == 65)
        #expect(
            epsilon.errors.contains(
                "warning: --bn-epsilon 0.01 contradicts \(path), which was made with 1e-05"))
        let same = try Program.run(["verify", checkpoint, path, "--bn-epsilon", "1e-5"])
        #expect(same.status == 0)
        #expect(same.errors == "")
    }

    @Test(arguments: [
        ["--strides", "2,a"], ["--strides", "0,2,2,2,2"], ["--strides", "2,2,2,2,9"],
        ["--strides", ""], ["--stem", "large"], ["--bn-epsilon", "0"], ["--bn-epsilon", "-1"],
        ["--bn-epsilon", "nan"], ["--state-dict", ""],
    ])
    func wrongOptionsAreWrongUsage(options: [String]) throws {
        let folder = try TemporaryFolder()
        let path = checkpoint("repvgg-strides")
        for command in [
            ["convert", path, folder.file("model")], ["verify", path], ["inspect", path],
        ] {
            #expect(try Program.run(command + options).status == 64)
        }
        #expect(folder.names == [])
    }

    @Test func optionsThatDoNotFitTheCheckpoint() throws {
        for (options, expected) in [
            (
                ["--strides", "2,2,2"],
                "strides: expected 5 numbers of 1 to 4 for a RepVGG of 4 stages"
            ),
            (["--stem", "small"], "stem: expected none for a RepVGG"),
            (["--state-dict", "ema"], "expected a dict of tensors under `ema`"),
        ] {
            for command in ["verify", "inspect"] {
                let result = try Program.run([command, checkpoint("repvgg-strides")] + options)
                #expect(result.status == 65)
                #expect(result.errors.contains(expected), "\(result.errors)")
            }
        }
        let model = try Program.run(["inspect", Models.repVGG(), "--bn-epsilon", "1e-3"])
        #expect(model.status == 64)
        #expect(model.errors.contains("--bn-epsilon"))
    }

    /// One channel and four: raw tensors as PyTorch answers them.
    @Test(arguments: [("repvgg-grey", 1), ("repvgg-four-channels", 4)])
    func otherChannels(name: String, channels: Int) throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model")
        let converted = try Program.run([
            "convert", checkpoint(name), model, "--input-size", "56", "--reference",
            reference(name),
        ])
        #expect(converted.status == 0, "\(converted.errors)")
        let half = Array(repeating: "0.5", count: channels).joined(separator: " ")
        #expect(converted.lines.contains("assumed: mean \(half) (--mean)"))
        #expect(converted.lines.contains("assumed: std \(half) (--std)"))
        let run = try Program.run([
            "run", model, "--input", reference(name), "--output", folder.file("logits"),
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(try error(folder.file("logits"), reference(name)) < 1e-5)
        #expect(try Program.run(["benchmark", model, "--duration", "0.01"]).status == 0)
        let given = try Program.run([
            "convert", checkpoint(name), folder.file("given"), "--mean",
            Array(repeating: "0.25", count: channels).joined(separator: ","), "--std",
            Array(repeating: "2", count: channels).joined(separator: ","),
        ])
        #expect(given.status == 0, "\(given.errors)")
        let three = try Program.run([
            "convert", checkpoint(name), folder.file("three"), "--mean", "0.5,0.5,0.5",
        ])
        #expect(three.status == 64)
        #expect(three.errors.contains("--mean: expected \(channels) finite number"))
        #expect(three.errors.contains(checkpoint(name)))
    }

    /// A colour JPEG as Pillow makes it grey, through a network of one channel.
    @Test func picturesOfOneChannel() throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model")
        let converted = try Program.run([
            "convert", checkpoint("repvgg-grey"), model, "--input-size", "56",
        ])
        #expect(converted.status == 0, "\(converted.errors)")
        let picture = fixture("images/baseline-420.jpg")
        let answer = try Program.run([
            picture, "--model", model, "--format", "json", "--output-type", "logit",
        ])
        #expect(answer.status == 0, "\(answer.errors)")
        let list = try #require(try answer.json() as? [[String: Any]])
        let predictions = try #require(list[0]["predictions"] as? [[String: Any]])
        let expected = try values(
            "logits", fixture("assumptions/repvgg-grey.picture.safetensors"))
        #expect(predictions.count == 5)
        for prediction in predictions {
            let index = try #require(prediction["index"] as? Int)
            let logit = try #require(prediction["logit"] as? Double)
            let largest = try #require(expected.map(abs).max())
            #expect(abs(logit - Double(expected[index])) <= 1e-5 * Double(largest))
        }
        let crop = folder.file("crop.png")
        #expect(
            try Program.run(["preprocess", picture, "--model", model, "--output", crop]).status
                == 0)
        let pixels = try ImageDecoder.decode([UInt8](Data(contentsOf: URL(fileURLWithPath: crop))))
            .image.pixels
        let input = try values("input", fixture("assumptions/repvgg-grey.picture.safetensors"))
        #expect(input.count == 56 * 56)
        #expect(
            input
                == stride(from: 0, to: pixels.count, by: 3).map {
                    (Float(pixels[$0]) / 255 - 0.5) / 0.5
                })
    }

    /// Refused before a picture is looked at, by the model's name.
    @Test func picturesOfFourChannels() throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model")
        _ = try Program.run([
            "convert", checkpoint("repvgg-four-channels"), model, "--input-size", "56",
        ])
        for arguments in [
            [boot], ["none.jpg"], ["preprocess", boot, "--output", folder.file("crop.png")],
        ] {
            let result = try Program.run(arguments + ["--model", model])
            #expect(result.status == 65)
            #expect(
                result.errors.hasPrefix(
                    "orepa-infer: \(model): takes pictures of 4 channels: expected 1 (grey) or 3"))
            #expect(result.text == "")
        }
        #expect(folder.names == ["model"])
    }

    /// One logit is no 100 %: its sigmoid, and a line that says so.
    @Test func aNetworkOfOneLogit() throws {
        let folder = try TemporaryFolder()
        let model = folder.file("model")
        let converted = try Program.run([
            "convert", checkpoint("repvgg-one-class"), model, "--input-size", "56", "--reference",
            reference("repvgg-one-class"),
        ])
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(converted.lines[0].hasSuffix(", 1 class"))
        func answer(_ options: [String]) throws -> (Double, [String: Any]) {
            let result = try Program.run([boot, "--model", model, "--format", "json"] + options)
            let list = try #require(try result.json() as? [[String: Any]])
            let predictions = try #require(list[0]["predictions"] as? [[String: Any]])
            let score = predictions[0]["probability"] ?? predictions[0]["logit"]
            return (try #require(score as? Double), list[0])
        }
        let (logit, raw) = try answer(["--output-type", "logit"])
        #expect(raw["activation"] == nil)
        let (probability, object) = try answer([])
        #expect(abs(probability - 1 / (1 + exp(-logit))) < 1e-6)
        #expect(object["activation"] as? String == "sigmoid")
        let table = try Program.run([boot, "--model", model])
        #expect(
            table.lines[0] == "model: \(model), 1 logit, whose sigmoid is the probability")
        #expect(!table.text.contains("100.00 %"))
        let csv = try Program.run([boot, "--model", model, "--format", "csv"])
        #expect(csv.errors.contains("1 logit, whose sigmoid is the probability"))
        #expect(csv.lines.count == 2)
    }

    private func values(_ name: String, _ path: String) throws -> [Float] {
        let file = try SafetensorsFile(FileBytes(mapping: path))
        return file.elements(of: try #require(file[name]), as: Float.self)
    }

    private func error(_ path: String, _ reference: String) throws -> Float {
        let (found, expected) = (try values("logits", path), try values("logits", reference))
        #expect(found.count == expected.count)
        return zip(found, expected).map { abs($0 - $1) }.max()! / expected.map(abs).max()!
    }

    @Test func referencesThatCannotBeUsed() throws {
        let folder = try TemporaryFolder()
        let path = checkpoint("repvgg-strides")
        let missing = try Program.run(["verify", path, "--reference", folder.file("none")])
        #expect(missing.status == 66)
        let other = try Program.run(["verify", path, "--reference", reference("repvgg-grey")])
        #expect(other.status == 65)
        #expect(
            other.errors.contains("tensor `input`: expected [N, 3, H, W], found [2, 1, 24, 24]"))
        let none = fixture("checkpoints/repvgg-dbb.safetensors")
        let result = try Program.run([
            "convert", path, folder.file("model"), "--reference", none,
        ])
        #expect(result.status == 65)
        #expect(result.errors.contains("expected a tensor `input` [N, C, H, W], Float32, found"))
        #expect(folder.names == [])
    }
}
