import Foundation
import OrepaNetwork
import OrepaPlan
import TestSupport
import Testing

/// `--memory` and `convert --pack`.
@Suite struct MemoryTests {
    private let folder: TemporaryFolder
    private let packed: String
    private let checkpoint = fixture("checkpoints/resnet_basic-orepa.pth.tar")

    init() throws {
        folder = try TemporaryFolder()
        packed = folder.file("packed.safetensors")
        let result = try Program.run([
            "convert", checkpoint, packed, "--input-size", "64", "--pack", "native",
        ])
        try #require(result.status == 0, "\(result.errors)")
    }

    @Test func sameAnswersHoweverMemoryIsUsed() throws {
        let arguments = [boot, boot, "--format", "json", "--output-type", "logit"]
        let expected = try Program.run(["--model", try Models.resNet()] + arguments)
        #expect(expected.status == 0)
        for model in [try Models.resNet(), packed] {
            for memory in PlanMemory.allCases {
                for trust in [[], ["--trust-packed"]] {
                    let result = try Program.run(
                        ["--model", model, "--memory", memory.rawValue] + trust + arguments)
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.text == expected.text)
                    let isToldOf = memory == .mapped && model == packed && trust.isEmpty
                    #expect(result.errors.contains("--trust-packed") == isToldOf)
                }
            }
            // One picture, which takes another way through memory by default.
            let one = try Program.run(["--model", model, boot, "--format", "jsonl"])
            let two = try Program.run(["--model", model, boot, boot, "--format", "jsonl"])
            #expect(one.lines == Array(two.lines.prefix(1)))
        }
        #expect(try Program.run([boot, "--memory", "large"]).status == 64)
    }

    /// What `inspect` says without taking any is what a plan and its context take.
    @Test func inspectTellsTheMemory() throws {
        for path in [try Models.repVGG(), try Models.resNet()] {
            let report = try #require(
                try Program.run(["inspect", path, "--format", "json"]).json() as? [String: Any])
            for memory in ["fast", "small"] {
                let use = try #require(report["memory_\(memory)"] as? [String: Int])
                let benchmark = try #require(
                    try Program.run([
                        "benchmark", path, "--memory", memory, "--format", "json", "--duration",
                        "0.01", "--warmup", "0",
                    ]).json() as? [String: Any])
                #expect(benchmark["memory"] as? String == memory)
                #expect(benchmark["threads"] as? Int == use["threads"])
                #expect(benchmark["packed_weights_bytes"] as? Int == use["packed_weights_bytes"])
                #expect(
                    benchmark["context_bytes"] as? Int
                        == use["feature_maps_bytes"]! + use["scratch_bytes"]!)
                #expect(
                    use["total_bytes"]
                        == use["packed_weights_bytes"]! + use["feature_maps_bytes"]!
                        + use["scratch_bytes"]!)
            }
        }
        let table = try Program.run(["inspect", try Models.repVGG()])
        #expect(table.lines.contains { $0.hasPrefix("memory, small") })
    }

    @Test func aPackedFile() throws {
        let name = "orepa.packed.1.\(try InstructionSet.current()).fast.64x64"
        let report = try #require(
            try Program.run(["inspect", packed, "--format", "json"]).json() as? [String: Any])
        let parts = try #require(report["packed"] as? [[String: Any]])
        #expect(parts.map { $0["name"] as? String } == [name])
        #expect(parts[0]["used_here"] as? Bool == true)
        let fast = try #require(report["memory_fast"] as? [String: Int])
        #expect(parts[0]["bytes"] as? Int == fast["packed_weights_bytes"])
        #expect(try ModelFile(path: packed).packed.keys.sorted() == [name])

        // Converted again: dropped, or renewed for what is asked for.
        let again = folder.file("again.safetensors")
        #expect(try Program.run(["convert", packed, again]).status == 0)
        #expect(try ModelFile(path: again).packed.isEmpty)
        #expect(
            try Program.run([
                "convert", packed, again, "--force", "--input-size", "32", "--pack", "portable",
            ]).status == 0)
        #expect(
            try ModelFile(path: again).packed.keys.sorted() == [
                "orepa.packed.1.portable.fast.32x32"
            ])
        // The checkpoint that the plain weights came from is still proven to be theirs.
        #expect(try Program.run(["verify", checkpoint, packed]).status == 0)
        #expect(
            try Program.run(["convert", checkpoint, folder.file("x"), "--pack", "avx1024"]).status
                == 64)
    }

    @Test func aPackedPartOfAnotherNetworkIsRefused() throws {
        var model = try ModelFile(path: packed)
        let (name, tensor) = try #require(model.packed.first)
        model.packed[name] = Tensor(shape: [16], values: Array(tensor.values.prefix(16)))
        let path = folder.file("damaged.safetensors")
        try model.write(to: path, overwrite: false)
        for options in [[], ["--memory", "fast"], ["--memory", "mapped"]] {
            let result = try Program.run(["--model", path, boot, "--trust-packed"] + options)
            #expect(result.status == 65)
            #expect(
                result.errors
                    == "orepa-infer: \(path): `\(name)` in the model's description: expected shape "
                    + "[\(tensor.count)], found [16]\n")
        }
        #expect(try Program.run(["--model", path, boot, "--memory", "small"]).status == 0)
        #expect(try Program.run(["--model", path, boot]).status == 0)
    }
}
