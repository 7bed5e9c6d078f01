import Foundation
import TestSupport
import Testing

@Suite struct InspectTests {
    @Test func aCheckpoint() throws {
        let path = fixture("checkpoints/resnext_g4-orepa.pth")
        let table = try Program.run(["inspect", path])
        #expect(table.status == 0)
        #expect(table.lines[0] == "file              \(path)")
        #expect(table.text.contains("family            ResNeXt\n"))
        #expect(
            table.text.contains(
                "blocks            12 x OREPA 1x1, 4 x OREPA 3x3, 1 x OREPA large\n"))
        #expect(table.text.contains("7x7, 3 to 8, stride 2"))
        let json = try #require(
            try Program.run(["inspect", path, "--format", "json", "--input-size", "64"]).json()
                as? [String: Any])
        #expect(json["kind"] as? String == "checkpoint")
        #expect(json["classes"] as? Int == 10)
        #expect(json["input"] as? [Int] == [3, 64, 64])
        #expect((json["layers"] as? [[String: Any]])?.count == 24)
    }

    @Test func aModel() throws {
        let path = try Models.repVGG()
        let table = try Program.run(["inspect", path])
        #expect(table.status == 0)
        #expect(table.text.contains("kind           deployed model\n"))
        #expect(table.text.contains("preprocessing  resize 73, crop 64, mean 0.485 0.456 0.406"))
        let json = try #require(
            try Program.run(["inspect", path, "--format", "json"]).json() as? [String: Any])
        #expect(json["kind"] as? String == "model")
        let verification = try #require(json["verification"] as? [String: Any])
        #expect((verification["block_error"] as? Double ?? 1) < 1e-5)
        #expect((verification["fast_logit_error"] as? Double ?? 1) < 1e-4)
        #expect((json["probe"] as? [String: Any])?["seed"] as? String == "1")
        let algorithms = try #require(json["algorithms"] as? [String: [String: Int]])
        #expect(algorithms["strict"] == ["direct": 8])
        #expect(algorithms["fast"]?.values.reduce(0, +) == 8)
        let source = try #require(json["source"] as? [String: Any])
        #expect(source["name"] as? String == "repvgg-orepa_vgg.pth.tar")
        #expect((source["sha256"] as? String)?.count == 64)
    }

    @Test func otherFiles() throws {
        let folder = try TemporaryFolder()
        #expect(try Program.run(["inspect", folder.file("none")]).status == 66)
        let text = try folder.write("nothing of the kind", "text")
        let result = try Program.run(["inspect", text])
        #expect(result.status == 65)
        #expect(result.errors.hasPrefix("orepa-infer: \(text): "))
        let golden = fixture("checkpoints/repvgg-base.golden.safetensors")
        #expect(try Program.run(["inspect", golden]).status == 65)
        #expect(try Program.run(["inspect"]).status == 64)
        #expect(try Program.run(["inspect", golden, "--input-size", "0"]).status == 64)
    }
}
