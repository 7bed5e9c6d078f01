import Foundation
import TestSupport
import Testing

/// Files and folders that are no model, or no checkpoint, are named as what they are.
@Suite struct ForeignFileTests {
    private let onnx = Data(
        [8, 8, 0x12, 7] + Array("pytorch".utf8) + [UInt8](repeating: 0, count: 40))

    @Test(arguments: ["repvgg-strides.pth"]) func aCheckpointIsNoModel(name: String) throws {
        let path = fixture("assumptions/\(name)")
        for arguments in [
            [boot, "--model", path], ["run", path, "--input", path, "--output", "-"],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(
                result.errors
                    == "orepa-infer: \(path): expected a deployed model (.safetensors), found a zip "
                    + "archive, as torch.save writes checkpoints; a training checkpoint is made into a model "
                    + "by `orepa-infer convert`\n")
        }
        let legacy = fixture("checkpoints/repvgg-base.legacy.pth")
        let result = try Program.run([boot, "--model", legacy])
        #expect(result.status == 65)
        #expect(result.errors.contains("found a pickle, as torch.save wrote checkpoints"))
        #expect(result.errors.contains("orepa-infer convert"))
    }

    @Test func anONNXModelIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("network.onnx")
        try onnx.write(to: URL(fileURLWithPath: path))
        for arguments in [
            [boot, "--model", path], ["convert", path, folder.file("model")], ["verify", path],
            ["inspect", path],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(result.errors.contains("\(path): expected "))
            #expect(result.errors.contains(", found an ONNX model"))
        }
    }

    /// What begins as nothing that is known is no safetensors file with an odd header.
    @Test func textsAndUnknownFilesAreNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("file")
        let model = try Models.resNet()
        for (bytes, expected) in [
            (try Data(contentsOf: URL(fileURLWithPath: repositoryFile("README.md"))), "a text"),
            (Data("\u{FEFF}gr\u{FC}\u{DF}e\n".utf8), "a text"),
            (Data((0..<200).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }), "an unknown format"),
        ] {
            try bytes.write(to: URL(fileURLWithPath: path))
            for (arguments, kind) in [
                ([boot, "--model", path], "a deployed model (.safetensors)"),
                (["convert", path, folder.file("model")], "a checkpoint of torch.save or a "),
                (["verify", path], "a checkpoint of torch.save or a safetensors file"),
                (["inspect", path], "a checkpoint of torch.save or a safetensors file"),
                (
                    ["verify", model, "--reference", path],
                    "a safetensors file with `input` and `logits`"
                ),
                (["run", model, "--input", path, "--output", "-"], "a safetensors file"),
            ] {
                let result = try Program.run(arguments)
                #expect(result.status == 65)
                #expect(
                    result.errors.hasPrefix("orepa-infer: \(path): expected \(kind)"),
                    "\(result.errors)")
                #expect(result.errors.contains(", found \(expected)"), "\(result.errors)")
            }
        }
    }

    @Test(arguments: [
        (["model.safetensors"], "give that file"), ([".metadata"], "dcp_to_torch_save"),
        (["model.safetensors.index.json"], "in several files"),
    ])
    func foldersAreNamed(names: [String], expected: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("hub")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        for name in names { _ = try folder.write("", "hub/\(name)") }
        for arguments in [
            [boot, "--model", path], ["convert", path, folder.file("model")], ["verify", path],
            ["inspect", path],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 65)
            #expect(result.errors.contains("\(path): expected a file, found a folder "))
            #expect(result.errors.contains(expected))
        }
    }
}
