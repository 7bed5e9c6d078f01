import Glibc
import OrepaSystem

/// What a folder is by the files that are in it, where a file was expected.
enum FolderKind {
    /// A description for messages, which names the file to give instead where there is one.
    static func description(of folder: RawPath) -> String {
        let kind = kinds.first { exists(folder.bytes + "/\($0.file)".utf8) }
        return kind.map { "a folder \($0.description)" } ?? "a folder"
    }

    private static func exists(_ path: [UInt8]) -> Bool {
        RawPath(bytes: path).withCString { access($0, F_OK) } == 0
    }

    private static let severalFiles =
        "of a checkpoint in several files; save it as one, by torch.save or safetensors.torch.save_file"
    private static let distributed =
        "of a torch.distributed.checkpoint; "
        + "torch.distributed.checkpoint.format_utils.dcp_to_torch_save makes one file of it"

    /// The first that is there decides.
    private static let kinds: [(file: String, description: String)] = [
        (".metadata", distributed), ("__0_0.distcp", distributed),
        ("model.safetensors.index.json", severalFiles),
        ("pytorch_model.bin.index.json", severalFiles),
        ("model.safetensors", "with a `model.safetensors`, as model hubs have it; give that file"),
        (
            "pytorch_model.bin",
            "with a `pytorch_model.bin`, as model hubs have it; give that file"
        ),
        ("snapshots", "of a model hub's cache; give a file of one of its `snapshots`"),
        ("saved_model.pb", "of a TensorFlow SavedModel"),
        ("keras_metadata.pb", "of a Keras model"),
        ("checkpoint", "of a TensorFlow checkpoint"),
        ("model.onnx", "with an ONNX model, `model.onnx`"),
        (
            "data.pkl",
            "of an unpacked checkpoint of torch.save; pack it again, without compression, as zip"
        ),
        (
            "archive/data.pkl",
            "of an unpacked checkpoint of torch.save; pack it again, without compression, as zip"
        ),
    ]
}
