import Foundation
import OrepaFiles
import TestSupport
import Testing

@Suite struct ForeignFormatTests {
    private func format(_ bytes: [UInt8], path: String = "file") -> ForeignFormat? {
        ForeignFormat(of: FileBytes(bytes + [UInt8](repeating: 0, count: 16), path: path))
    }

    @Test func filesAreKnownByTheirFirstBytes() {
        for (bytes, name, isCheckpoint) in [
            (Array("PK\u{3}\u{4}".utf8), "a zip archive, as torch.save writes checkpoints", true),
            (
                [0x80, 2, 0x8A, 10],
                "a pickle, as torch.save wrote checkpoints before PyTorch 1.6", true
            ),
            (
                [0x80, 5, 0x95],
                "a pickle, as torch.save wrote checkpoints before PyTorch 1.6", true
            ),
            // `ir_version` 8 or 10, `producer_name`.
            ([8, 8, 0x12, 7] + Array("pytorch".utf8), "an ONNX model", false),
            ([8, 10, 0x3A, 0xFF, 1], "an ONNX model", false),
            ([8, 1, 0x12, 0xFF, 0x87, 4], "a TensorFlow SavedModel", false),
            ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file", false),
            ([0x18, 0, 0, 0] + Array("TFL3".utf8), "a TensorFlow Lite model", false),
            (Array("{\"metadata\": {}, \"weight_map\": {}}".utf8), "a JSON text", false),
            (Array("model_checkpoint_path: ".utf8), "the list of a TensorFlow checkpoint", false),
        ] as [([UInt8], String, Bool)] {
            let found = format(bytes)
            #expect(found?.name == name)
            #expect(found?.isCheckpoint == isCheckpoint)
        }
    }

    /// The length in front of a safetensors header may look like any signature.
    @Test(
        arguments: [[0x50, 0x4B, 3, 4], [0x80, 2, 0, 0], [8, 8, 0x12, 7], [0x1F, 0x8B, 0, 0]]
            as [[UInt8]])
    func aBraceAfterTheLengthIsSafetensors(start: [UInt8]) {
        #expect(format(start + [0, 0, 0, 0] + Array("{\"a\"".utf8)) == nil)
    }

    @Test func otherBytesAreNothingKnown() {
        #expect(format(Array("# orepa\n".utf8))?.name == "an unknown format")
        let text = Array("# orepa\r\n\tr\u{FC}nning ".utf8)
        #expect(ForeignFormat(of: FileBytes(text, path: "text"))?.name == "a text")
        // A character that the end of what is looked at cuts.
        let long = (0..<3).map { [UInt8](repeating: 0x20, count: 1021 + $0) }
        for blanks in long {
            let bytes = blanks + Array("\u{20AC}\u{20AC}".utf8)
            #expect(ForeignFormat(of: FileBytes(bytes, path: "text"))?.name == "a text")
        }
        #expect(ForeignFormat(of: FileBytes([], path: "empty")) == nil)
        for bytes in [[], [8], [8, 0, 0x12], [8, 8, 0x13], [0x80], [0x80, 9], [1, 2, 3]]
            as [[UInt8]]
        {
            #expect(format(bytes)?.name == "an unknown format")
            #expect(ForeignFormat(of: FileBytes(bytes, path: "short")) == nil)
        }
    }

    @Test(arguments: [
        ("d/__0_0.distcp", "torch.distributed.checkpoint"),
        ("d/.metadata", "torch.distributed.checkpoint"),
        ("model.safetensors.index.json", "the index of a checkpoint in several files"),
        ("pytorch_model.bin.index.json", "the index of a checkpoint in several files"),
    ])
    func partsAreKnownByTheirNames(path: String, expected: String) {
        #expect(format([0x80, 2, 0x50], path: path)?.name.contains(expected) == true)
    }

    @Test(arguments: [
        ([".metadata", "__0_0.distcp"], "a folder of a torch.distributed.checkpoint; "),
        (["model.safetensors", "config.json"], "a folder with a `model.safetensors`"),
        (
            ["model.safetensors.index.json", "model-00001-of-00002.safetensors"],
            "a folder of a checkpoint in several files; "
        ),
        (["pytorch_model.bin"], "a folder with a `pytorch_model.bin`"),
        (["saved_model.pb"], "a folder of a TensorFlow SavedModel"),
        (["data.pkl", "version"], "a folder of an unpacked checkpoint of torch.save; "),
        (["photo.jpg"], "a folder"),
    ])
    func foldersAreKnownByWhatIsInThem(names: [String], expected: String) throws {
        let folder = try TemporaryFolder()
        for name in names { _ = try folder.write("", name) }
        let path = String(folder.file("x").dropLast(2))
        for open in [
            { try FileBytes(mapping: path) }, { try FileBytes(reading: path) },
        ] as [() throws -> FileBytes] {
            let error = #expect(throws: FileError.self) { try open() }
            guard case .folder(path, let found) = error else {
                Issue.record("expected a folder, found \(String(describing: error))")
                continue
            }
            #expect(found.hasPrefix(expected))
            #expect(error?.description == "\(path): expected a file, found \(found)")
        }
    }
}
