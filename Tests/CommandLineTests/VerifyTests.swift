import Foundation
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
    }

    @Test func tolerancesDecide() throws {
        let strict = try Program.run(["verify", checkpoint, "--block-tolerance", "0"])
        #expect(strict.status == 65)
        #expect(strict.errors.contains("stage0"))
        #expect(strict.text.contains("FAILS"))
        #expect(try Program.run(["verify", checkpoint, "--tolerance", "0"]).status == 65)
        #expect(try Program.run(["verify", checkpoint, "--tolerance", "nan"]).status == 64)
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
        #expect(result.text == "\(folded): folded already; there is nothing to verify\n")
        #expect(try Program.run(["verify", folded, "--format", "json"]).status == 0)
    }

    @Test func filesThatAreMissing() throws {
        #expect(try Program.run(["verify", "none.pth"]).status == 66)
        #expect(try Program.run(["verify", checkpoint, "none.safetensors"]).status == 66)
        #expect(try Program.run(["verify"]).status == 64)
    }
}
