import Foundation
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import OrepaThreads
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
        #expect(try ModelFile(path: packed).packed.keys.map(\.text).sorted() == [name])

        // Converted again: dropped, or renewed for what is asked for.
        let again = folder.file("again.safetensors")
        #expect(try Program.run(["convert", packed, again]).status == 0)
        #expect(try ModelFile(path: again).packed.isEmpty)
        #expect(
            try Program.run([
                "convert", packed, again, "--force", "--input-size", "32", "--pack", "portable",
            ]).status == 0)
        #expect(
            try ModelFile(path: again).packed.keys.map(\.text).sorted() == [
                "orepa.packed.1.portable.fast.32x32"
            ])
        // The checkpoint that the plain weights came from is still proven to be theirs.
        let verified = try Program.run(["verify", checkpoint, packed])
        #expect(verified.status == 0)
        #expect(
            verified.lines.last
                == "packed \(name.dropFirst("orepa.packed.".count)): the same bits as packed anew")
        #expect(try Program.run(["verify", packed]).status == 0)
        #expect(
            try Program.run(["convert", checkpoint, folder.file("x"), "--pack", "avx1024"]).status
                == 64)
    }

    /// A file that means to deceive: packed weights that are not the plain ones, with the probe that they give.
    @Test func verifyComparesPackedWeights() throws {
        var model = try ModelFile(path: packed)
        let (name, tensor) = try #require(model.packed.first)
        var values = tensor.values
        let last = try #require(values.lastIndex { $0 != 0 })
        values[last] = values[last].nextUp
        model.packed[name] = Tensor(shape: tensor.shape, values: values)
        let path = folder.file("deceives.safetensors")
        try model.write(to: path, overwrite: false)
        for arguments in [[checkpoint, path], [path]] {
            let result = try Program.run(["verify"] + arguments)
            #expect(result.status == 65)
            #expect(
                result.errors.contains("`\(name)`: expected the bits that `linear` is packed to"))
            #expect(result.text.contains("DIFFERS"))
            let json = try Program.run(["verify"] + arguments + ["--format", "json"])
            #expect(json.status == 65)
            let report = try #require(json.json() as? [String: Any])
            let parts = try #require(report["packed"] as? [[String: Any]])
            #expect(parts.map { $0["equal"] as? Bool } == [false])
        }
        // Nobody is deceived who does not say so.
        #expect(
            try Program.run(["--model", path, boot, "--format", "csv"]).text
                == Program.run(["--model", packed, boot, "--format", "csv"]).text)
        // What this version does not use is not compared, for any instruction set of its own it is.
        model.packed = [:]
        for set in InstructionSet.allCases where set <= .best {
            try model.pack(for: set, pool: WorkerPool(threadCount: 1))
        }
        model.packed["orepa.packed.2.avx2.fast.64x64"] = Tensor(
            shape: [16], values: .init(repeating: 0, count: 16))
        try model.write(to: path, overwrite: true)
        let mixed = try Program.run(["verify", path])
        #expect(mixed.status == 0)
        #expect(mixed.text.contains("packed 2.avx2.fast.64x64: not compared"))
    }

    /// Models that cost more than they may are refused in a sentence, and described.
    @Test func modelsHaveABudget() throws {
        for (option, value) in [("--max-multiply-adds", "1000"), ("--max-model-memory", "100000")] {
            for arguments in [
                ["--model", packed, boot], ["benchmark", packed], ["verify", checkpoint, packed],
                ["convert", checkpoint, folder.file("budget")],
            ] {
                let result = try Program.run(arguments + [option, value])
                #expect(result.status == 65, "\(arguments) \(option)")
                #expect(result.errors.contains("expected at most \(value) "), "\(result.errors)")
            }
        }
        #expect(try Program.run(["--model", packed, boot, "--max-model-memory", "0"]).status == 64)
        #expect(try Program.run(["inspect", packed]).status == 0)
    }

    /// The answers of a million tiny pictures with as many classes each: 4 TB.
    @Test func answersOfARunHaveABudget() throws {
        let classes = 1 << 16
        let graph = try Graph(
            inputChannels: 3,
            nodes: [
                Node(name: "mean", operation: .globalAveragePool, inputs: ["input"]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: 3, outputFeatures: classes)),
                    inputs: ["mean"]),
            ])
        let network = try Network(
            graph: graph,
            tensors: [
                "linear.weight": Tensor(
                    shape: [classes, 3], values: .init(repeating: 0, count: 3 * classes)),
                "linear.bias": Tensor(
                    shape: [classes], values: .init(repeating: 0, count: classes)),
            ])
        let path = folder.file("classes.safetensors")
        try ModelFile(
            network: network,
            description: ModelDescription(
                family: "RepVGG", blocks: [:],
                preprocessing: Preprocessing(
                    resize: 1, crop: 1, mean: [0, 0, 0], std: [1, 1, 1]), tool: "test")
        ).write(to: path, overwrite: false)
        let input = folder.file("input.safetensors")
        let count = 1 << 17
        try SafetensorsWriter([
            .init(
                name: "input", shape: [count, 3, 1, 1],
                values: [Float](repeating: 0, count: 3 * count))
        ]).write(to: input, overwrite: false)
        let output = folder.file("output.safetensors")
        let arguments = ["run", path, "--input", input, "--output", output]
        let result = try Program.run(arguments)
        #expect(result.status == 65)
        #expect(
            result.errors.contains(
                "expected at most 8589934592 bytes of answers (the maximum of model memory that was set), found "
                    + "34359738368"))
        #expect(!FileManager.default.fileExists(atPath: output))
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
