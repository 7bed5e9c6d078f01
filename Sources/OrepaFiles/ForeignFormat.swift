/// What a file is by its first bytes, or by how torch names it, where it is no safetensors file.
///
/// Nothing is read but those bytes; a file may be what its name promises or not.
public struct ForeignFormat: Sendable, Hashable {
    /// Such as `an ONNX model`.
    public let name: String
    /// Whether `orepa-infer convert` reads it.
    public let isCheckpoint: Bool

    init(_ name: String, isCheckpoint: Bool = false) {
        self.name = name
        self.isCheckpoint = isCheckpoint
    }

    /// nil where it begins as a safetensors file does, or is too short to tell.
    public init?(of file: FileBytes) {
        if let format = ForeignFormat(fileName: file.path) {
            self = format
            return
        }
        // The brace goes first: the length in front of it may look like any signature.
        guard !file.hasBytes([UInt8(ascii: "{")], at: 8) else { return nil }
        if file.hasBytes([0x80], at: 0), file.count > 1, 2...5 ~= file.bytes[1] {
            self.init(
                "a pickle, as torch.save wrote checkpoints before PyTorch 1.6", isCheckpoint: true)
        } else if let signature = ForeignFormat.signatures.first(where: {
            file.hasBytes($0.bytes, at: $0.offset)
        }) {
            self = signature.format
        } else if let format = ForeignFormat(protocolBuffer: file) {
            self = format
        } else if file.hasBytes([UInt8(ascii: "{")], at: 0) {
            self.init("a JSON text")
        } else if file.count < ForeignFormat.leastByteCount {
            return nil
        } else {
            self.init(ForeignFormat.isText(file) ? "a text" : ForeignFormat.unknown)
        }
    }

    /// What is called so begins as no format that is known.
    package static let unknown = "an unknown format"

    /// Of a safetensors file: the length of its header and a brace.
    private static let leastByteCount = 9

    /// Whether the beginning is UTF-8 without control characters.
    private static func isText(_ file: FileBytes) -> Bool {
        file.withBytes { bytes in
            var head = bytes.prefix(1 << 10)
            // A character that the end of the part cuts.
            for _ in 0..<3 where head.count < bytes.count && head.last.map({ $0 >= 0x80 }) == true {
                head = head.dropLast()
            }
            let blanks: Set<UInt8> = [0x09, 0x0A, 0x0C, 0x0D]
            return head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || blanks.contains($0) }
                && String(validating: head, as: UTF8.self) != nil
        }
    }

    /// What torch and its like name so.
    package init?(fileName path: String) {
        if path.hasSuffix(".distcp") || path == ".metadata" || path.hasSuffix("/.metadata") {
            self.init(
                "a part of a torch.distributed.checkpoint, which dcp_to_torch_save makes one file of"
            )
        } else if path.hasSuffix(".safetensors.index.json") || path.hasSuffix(".bin.index.json") {
            self.init("the index of a checkpoint in several files, which have to be made one first")
        } else {
            return nil
        }
    }

    /// ONNX models and TensorFlow's are protocol buffers, whose first fields are small numbers.
    private init?(protocolBuffer file: FileBytes) {
        // Field 1, a version.
        guard file.hasBytes([0x08], at: 0), file.count > 8 else { return nil }
        let version = file.bytes[1]
        // Then a message or a string: field 2 or 7, or one between.
        guard version > 0, version < 32,
            [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(file.bytes[2])
        else { return nil }
        self.init(version == 1 ? "a TensorFlow SavedModel" : "an ONNX model")
    }

    private typealias Signature = (offset: Int, bytes: [UInt8], format: ForeignFormat)

    private static let signatures: [Signature] = [
        (
            0, [0x50, 0x4B, 3, 4],
            .init("a zip archive, as torch.save writes checkpoints", isCheckpoint: true)
        ),
        (
            0, Array("L119547037146038801333356L\n".utf8),
            .init("a checkpoint of torch.save before PyTorch 1.6", isCheckpoint: true)
        ),
        (0, [0x50, 0x4B, 5, 6], .init("an empty zip archive")),
        (0, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .init("an HDF5 file")),
        (0, [0x1F, 0x8B], .init("a gzip file")),
        (0, Array("BZh".utf8), .init("a bzip2 file")),
        (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .init("an xz file")),
        (0, [0x28, 0xB5, 0x2F, 0xFD], .init("a Zstandard file")),
        (0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .init("a 7-Zip archive")),
        (0, Array("Rar!".utf8), .init("a RAR archive")),
        (0, [0x93] + Array("NUMPY".utf8), .init("a NumPy file")),
        (0, Array("GGUF".utf8), .init("a GGUF file")),
        (4, Array("TFL3".utf8), .init("a TensorFlow Lite model")),
        (0, Array("model_checkpoint_path:".utf8), .init("the list of a TensorFlow checkpoint")),
        (0, Array("7767517\n".utf8), .init("the layers of an ncnn model")),
        (0, Array("<?xml".utf8), .init("an XML text, as OpenVINO writes models")),
        (
            0, Array("version https://git-lfs".utf8),
            .init("a Git LFS pointer, not the file itself")
        ),
        (0, Array("<!DOCTYPE".utf8), .init("an HTML page")),
        (0, Array("<!doctype".utf8), .init("an HTML page")),
        (0, Array("<html".utf8), .init("an HTML page")),
        (0, [0x89, 0x50, 0x4E, 0x47], .init("a PNG image")),
        (0, [0xFF, 0xD8, 0xFF], .init("a JPEG image")),
        (257, Array("ustar".utf8), .init("a tar archive, as the first versions of PyTorch wrote")),
    ]
}
