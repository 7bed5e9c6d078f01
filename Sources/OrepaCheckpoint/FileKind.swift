import OrepaSafetensors

/// What a file is by its first bytes.
enum FileKind: Equatable {
    case zip
    /// A pickle: torch's legacy format begins with one.
    case legacy
    case safetensors
    /// None of the formats that can be read; says which one it seems to be.
    case other(String)

    init(_ file: FileBytes) {
        guard file.count > 0 else {
            self = .other("an empty file")
            return
        }
        // The brace goes first: the length in front of it may look like any signature.
        if file.hasBytes([UInt8(ascii: "{")], at: 8) {
            self = .safetensors
        } else if file.hasBytes([0x50, 0x4B, 3, 4], at: 0) {
            self = .zip
        } else if file.hasBytes([0x80], at: 0)
            || file.hasBytes(Array("L119547037146038801333356L\n".utf8), at: 0)
        {
            self = .legacy
        } else if let other = Self.signatures.first(where: {
            file.hasBytes($0.bytes, at: $0.offset)
        }) {
            self = .other(other.name)
        } else {
            self = .other("an unknown format")
        }
    }

    private static let signatures: [(offset: Int, bytes: [UInt8], name: String)] = [
        (0, [0x50, 0x4B, 5, 6], "an empty zip archive"),
        (0, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file"),
        (0, [0x1F, 0x8B], "a gzip file"),
        (0, Array("BZh".utf8), "a bzip2 file"),
        (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "an xz file"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file"),
        (0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive"),
        (0, Array("Rar!".utf8), "a RAR archive"),
        (0, [0x93] + Array("NUMPY".utf8), "a NumPy file"),
        (0, Array("GGUF".utf8), "a GGUF file"),
        (4, Array("TFL3".utf8), "a TensorFlow Lite model"),
        (0, Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file itself"),
        (0, Array("<!DOCTYPE".utf8), "an HTML page"),
        (0, Array("<!doctype".utf8), "an HTML page"),
        (0, Array("<html".utf8), "an HTML page"),
        (0, [0x89, 0x50, 0x4E, 0x47], "a PNG image"),
        (0, [0xFF, 0xD8, 0xFF], "a JPEG image"),
        (257, Array("ustar".utf8), "a tar archive, as the first versions of PyTorch wrote"),
    ]
}
