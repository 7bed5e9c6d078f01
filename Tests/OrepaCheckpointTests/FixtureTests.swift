import Foundation
import OrepaCheckpoint
import OrepaFiles
import TestSupport
import Testing

/// Checkpoints that PyTorch wrote, against what PyTorch reads from them.
@Suite struct FixtureTests {
    struct Expected: Decodable {
        struct Tensor: Decodable {
            let name: String
            let dtype: String
            let shape: [Int]
            let values: [Double]
        }
        let format: String
        let location: String?
        let metadata: [String: String]?
        let arch: String?
        let epoch: Int?
        let tensors: [Tensor]
    }

    struct Published: Decodable {
        let location: String?
        let count: Int
        let checksum: UInt32
    }

    static let expected: [String: Expected] = decode("checkpoint-formats/expected.json")
    static let published: [String: Published] = decode("checkpoint-formats/published.json")

    static func decode<T: Decodable>(_ name: String) -> T {
        let data = FileManager.default.contents(atPath: fixture(name))!
        return try! JSONDecoder().decode(T.self, from: data)
    }

    @Test(arguments: expected.keys.sorted())
    func oddFormats(name: String) throws {
        let expected = Self.expected[name]!
        let checkpoint = try Checkpoint(path: fixture("checkpoint-formats/\(name)"))
        #expect(checkpoint.format.rawValue == expected.format)
        #expect(checkpoint.location == expected.location)
        let metadata = (expected.metadata ?? [:]).map { (ByteName($0), $1) }
        #expect(checkpoint.metadata == Dictionary(uniqueKeysWithValues: metadata))
        #expect(checkpoint.arch == expected.arch)
        #expect(checkpoint.epoch == expected.epoch)
        #expect(checkpoint.tensors.map(\.name) == expected.tensors.map(\.name))
        for tensor in expected.tensors {
            let found = try #require(checkpoint[tensor.name])
            #expect(found.elementType.rawValue == tensor.dtype, "\(tensor.name)")
            #expect(found.shape == tensor.shape, "\(tensor.name)")
            #expect(found.elementCount == tensor.values.count)
            #expect(try found.doubles() == tensor.values, "\(tensor.name)")
            #expect(try found.floats() == tensor.values.map { Float($0) }, "\(tensor.name)")
            found.releasePages()
            #expect(try found.doubles() == tensor.values, "\(tensor.name)")
        }
    }

    @Test(arguments: published.keys.sorted())
    func publishedForms(name: String) throws {
        let expected = Self.published[name]!
        let checkpoint = try Checkpoint(path: fixture("checkpoints/\(name)"))
        #expect(checkpoint.location == expected.location)
        #expect(checkpoint.tensors.count == expected.count)
        var checksum = CRC32()
        for tensor in checkpoint.tensors {
            checksum.update(Array(tensor.name.utf8))
            try tensor.doubles().withUnsafeBytes { checksum.update($0) }
        }
        #expect(checksum.value == expected.checksum)
    }

    @Test func everyPublishedFileIsKnown() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: fixture("checkpoints"))
        #expect(
            Set(Self.published.keys) == Set(names.filter { !$0.contains(".golden.") }))
    }

    @Test(arguments: [
        ("namespace.pth", "argparse.Namespace"),
        ("namespace.legacy.pth", "argparse.Namespace"),
        ("numpy-scalar.pth", "numpy._core.multiarray.scalar"),
        ("whole-module.pth", "torch.nn.modules.linear.Linear"),
    ])
    func refusedGlobals(name: String, global: String) {
        let path = fixture("checkpoint-formats/\(name)")
        let error = CheckpointError.pickle(path: path, .refusedGlobal(global))
        #expect(throws: error) { try Checkpoint(path: path) }
        #expect(
            error.description
                == "\(path): refusing to load `\(global)`"
                + (name == "whole-module.pth"
                    ? "; if that is the network's class, a whole module was pickled: save "
                        + "model.state_dict() instead" : "")
                + "; tools/checkpoint_to_safetensors.py converts checkpoints with harmless Python "
                + "objects")
    }

    @Test(arguments: [
        ("sparse.pth", "torch._utils._rebuild_sparse_tensor"),
        ("complex.pth", "torch.ComplexFloatStorage"),
        ("quantised.pth", "torch._utils._rebuild_qtensor"),
        ("negated.pth", "a tensor with conjugate or negative bit"),
        ("float8.pth", "torch.float8_e4m3fn"),
        ("meta.pth", "torch._utils._rebuild_meta_tensor_no_storage"),
    ])
    func unsupportedTensors(name: String, found: String) {
        let path = fixture("checkpoint-formats/\(name)")
        #expect(throws: CheckpointError.unsupportedTensor(path: path, name: "w", found: found)) {
            try Checkpoint(path: path)
        }
    }

    @Test func scriptArchive() {
        let path = fixture("checkpoint-formats/script.pt")
        #expect(
            throws: CheckpointError.unsupportedFormat(path: path, found: "a TorchScript archive")
        ) { try Checkpoint(path: path) }
    }

    @Test func missingFile() {
        #expect(throws: CheckpointError.file(.notFound(path: "/nowhere/a.pth"))) {
            try Checkpoint(path: "/nowhere/a.pth")
        }
    }
}
