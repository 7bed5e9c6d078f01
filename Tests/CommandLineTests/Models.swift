import Foundation
import TestSupport
import Testing

/// Models converted once by the program itself, for all tests.
enum Models {
    private final class Shared: @unchecked Sendable {
        let folder: TemporaryFolder
        let pathByCheckpoint: [String: String]

        init() throws {
            let folder = try TemporaryFolder()
            var paths: [String: String] = [:]
            for checkpoint in ["repvgg-orepa_vgg.pth.tar", "resnet_basic-orepa.pth.tar"] {
                let path = folder.file(checkpoint + ".safetensors")
                let result = try Program.run([
                    "convert", fixture("checkpoints/" + checkpoint), path, "--input-size", "64",
                ])
                try #require(result.status == 0, "\(result.errors)")
                paths[checkpoint] = path
            }
            self.folder = folder
            pathByCheckpoint = paths
        }
    }

    private static let shared = Result { try Shared() }

    /// A small RepVGG without labels: 10 classes, input 64.
    static func repVGG() throws -> String {
        try shared.get().pathByCheckpoint["repvgg-orepa_vgg.pth.tar"]!
    }

    /// A small ResNet without labels: 10 classes, input 64.
    static func resNet() throws -> String {
        try shared.get().pathByCheckpoint["resnet_basic-orepa.pth.tar"]!
    }
}

/// A picture of an ankle boot from the default model's test set.
let boot = repositoryFile("models/fashion-mnist-repvgg/samples/ankle-boot.jpg")
