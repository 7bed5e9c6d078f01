import Foundation
import TestSupport
import Testing

/// The picture whose logits a model file keeps, run before others.
@Suite struct ProbeTests {
    /// A model whose first weight was changed after it was written.
    private static func damagedModel(in folder: TemporaryFolder) throws -> String {
        let path = folder.file("damaged.safetensors")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: Models.repVGG()))
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes[8 + header + 2] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func aDamagedModelIsRefused() throws {
        let folder = try TemporaryFolder()
        let model = try ProbeTests.damagedModel(in: folder)
        let input = try folder.write("", "list")
        for arguments in [
            [boot, "--probe"], [boot, "--probe", "--numerics", "strict"],
            Array(repeating: boot, count: 16), ["benchmark", "--duration", "0.01"],
            ["benchmark", "--duration", "0.01", "--profile"],
        ] {
            let isBenchmark = arguments[0] == "benchmark"
            let result = try Program.run(arguments + (isBenchmark ? [model] : ["--model", model]))
            #expect(result.status == 65, "\(arguments)")
            #expect(result.errors.contains("\(model): the probe picture's logit 0"))
            #expect(!result.text.contains("class"))
            let without = try Program.run(
                arguments.filter { $0 != "--probe" } + ["--no-probe"]
                    + (isBenchmark ? [model] : ["--model", model]))
            #expect(without.status == 0, "\(without.errors)")
        }
        // Few pictures are answered without it.
        #expect(try Program.run([boot, "--model", model]).status == 0)
        #expect(try Program.run(["--from-list", input, "--model", model]).status == 66)
    }

    /// A deployed model is no checkpoint to make a fresh certificate of when its own is wrong.
    @Test func aDamagedModelIsNotConverted() throws {
        let folder = try TemporaryFolder()
        let model = try ProbeTests.damagedModel(in: folder)
        let result = try Program.run(["convert", model, folder.file("out")])
        #expect(result.status == 65)
        #expect(result.errors.contains("\(model): the probe picture's logit 0"))
        #expect(folder.names == ["damaged.safetensors"])
        #expect(try Program.run(["convert", model, folder.file("out"), "--no-probe"]).status == 0)
        #expect(try Program.run([boot, "--model", folder.file("out"), "--probe"]).status == 0)
    }

    @Test(arguments: ["avx512", "avx2", "portable"], ["fast", "strict"])
    func everyInstructionSetHasTheSameBits(set: String, numerics: String) throws {
        for model in try [Models.repVGG(), Models.resNet()] {
            for threads in ["1", "2", "3"] {
                let result = try Program.run(
                    [
                        boot, "--model", model, "--probe", "--numerics", numerics, "--threads",
                        threads,
                    ], environment: ["OREPA_ISA": set])
                #expect(result.status == 0, "\(result.errors)")
            }
        }
    }

    @Test func aFileThatNamesNoAlgorithmOfOursIsRefused() throws {
        let folder = try TemporaryFolder()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: Models.repVGG()))
        let name = try #require(bytes.range(of: Data(#"\"name\":\"direct\""#.utf8)))
        bytes.replaceSubrange(name, with: Data(#"\"name\":\"direkt\""#.utf8))
        try bytes.write(to: URL(fileURLWithPath: folder.file("m")))
        let result = try Program.run([boot, "--model", folder.file("m")])
        #expect(result.status == 65)
        #expect(
            result.errors.contains(
                "`algorithms.fast.linear.name` in the model's description: expected direct, grouped, stem or "
                    + "winograd, found direkt"))
    }
}
