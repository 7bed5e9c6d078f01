import Foundation
import OrepaNetwork
import TestSupport
import Testing

@Suite struct VerifyTests {
    let checkpoint = fixture("checkpoints/repvgg-orepa_vgg.pth.tar")

    @Test func tableListsEveryBlock() throws {
        let result = try Program.run(["verify", checkpoint])
        #expect(result.status == 0)
        #expect(result.errors == "")
        #expect(result.text.contains("stage4.0"))
        #expect(result.text.contains("OREPA RepVGG"))
        #expect(result.lines.last!.hasPrefix("passed: block error "))
    }

    @Test func json() throws {
        let result = try Program.run(["verify", checkpoint, Models.repVGG(), "--format", "json"])
        #expect(result.status == 0)
        let report = try #require(try result.json() as? [String: Any])
        #expect(report["passed"] as? Bool == true)
        #expect((report["blocks"] as? [[String: Any]])?.count == 8)
        #expect((report["logit_error"] as? Double ?? 1) < 5e-4)
        #expect((report["block_error"] as? Double ?? 1) < 1e-5)
        #expect((report["fast_logit_error"] as? Double ?? 1) < 1e-4)
        #expect(report["fast_logit_tolerance"] as? Double == 1e-4)
    }

    @Test func tolerancesDecide() throws {
        let strict = try Program.run(["verify", checkpoint, "--block-tolerance", "0"])
        #expect(strict.status == 65)
        #expect(strict.errors.contains("stage0"))
        #expect(strict.text.contains("FAILS"))
        #expect(try Program.run(["verify", checkpoint, "--tolerance", "0"]).status == 65)
        #expect(try Program.run(["verify", checkpoint, "--tolerance", "nan"]).status == 64)
    }

    /// A network whose logit nearly cancels with its bias, which amplifies rounding: right when folded, and what
    /// fast numerics lose is told by `convert` and `verify`.
    @Test func impreciseFastNumericsAreAWarning() throws {
        let folder = try TemporaryFolder()
        let (path, model) = (folder.file("one.safetensors"), folder.file("model"))
        var random = RandomCheckpoint(
            .init(repVGG: 16, depths: [1, 1], widths: [32, 32], classCount: 2), .repVGG, seed: 3)
        let weight = random["linear.weight"]!
        random["linear.weight"] = .init(
            "linear.weight", [1, weight.shape[1]], Array(weight.values.prefix(weight.shape[1])))
        random["linear.bias"] = .init("linear.bias", [1], [0])
        try random.write(to: path)
        #expect(try Program.run(["convert", path, model, "--input-size", "64"]).errors == "")
        let report = try #require(
            try Program.run(["verify", path, "--format", "json"]).json() as? [String: Any])
        let error = try #require(report["fast_logit_error"] as? Double)
        #expect(report["input_size"] as? Int == 64)
        #expect((report["assumptions"] as? [String: Any])?["input_size"] as? Int == 64)
        let larger = try #require(
            try Program.run(["verify", path, "--format", "json", "--input-size", "96"]).json()
                as? [String: Any])
        #expect((larger["assumptions"] as? [String: Any])?["input_size"] as? Int == 96)
        let logit = try #require(ModelFile(path: model).description.probe?.logits.strict[0])

        random["linear.bias"]!.values = [-logit * Float(1 - error / 5e-4)]
        try random.write(to: path)
        let options = ["--tolerance", "1"]
        let verified = try Program.run(["verify", path] + options)
        #expect(verified.status == 0)
        #expect(verified.text.contains("imprecise"))
        let converted = try Program.run(["convert", path, model, "--force"] + options)
        #expect(converted.status == 0)
        for result in [verified, converted] {
            #expect(
                result.errors.hasPrefix(
                    "orepa-infer: warning: \(path): with --numerics fast, the default, the logits are off by"
                ))
            #expect(result.errors.contains("(expected at most 1.0e-04); --numerics strict gives"))
        }
        let record = try #require(ModelFile(path: model).description.verification)
        #expect((record.fastLogitError ?? 0) > 1e-4)
        #expect(try Program.run([boot, "--model", model]).status == 0)
    }

    @Test func aModelOfAnotherCheckpointFails() throws {
        let other = fixture("checkpoints/repvgg-repvgg.pth")
        let result = try Program.run(["verify", other, Models.repVGG()])
        #expect(result.status == 65)
        #expect(result.errors.contains("SHA-256"))
    }

    @Test func aDamagedModelFails() throws {
        let folder = try TemporaryFolder()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: Models.repVGG()))
        // The last float of the file is part of a bias; one of its high bits makes it another number.
        bytes[bytes.count - 1] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: folder.file("model")))
        let result = try Program.run(["verify", checkpoint, folder.file("model")])
        #expect(result.status == 65)
        #expect(result.text.contains("FAILS"))
    }

    @Test func aFoldedCheckpointHasNothingToVerify() throws {
        let folded = fixture("checkpoints/repvgg-orepa_vgg-deployed.pth")
        let result = try Program.run(["verify", folded])
        #expect(result.status == 0)
        #expect(
            result.lines == [
                "assumed: strides 2,2,2,2,2 (--strides)",
                "assumed: state dict the file itself (--state-dict)",
                "\(folded): folded already; there is nothing to verify",
            ])
        #expect(try Program.run(["verify", folded, "--format", "json"]).status == 0)
    }

    @Test func filesThatAreMissing() throws {
        #expect(try Program.run(["verify", "none.pth"]).status == 66)
        #expect(try Program.run(["verify", checkpoint, "none.safetensors"]).status == 66)
        #expect(try Program.run(["verify"]).status == 64)
    }
}
