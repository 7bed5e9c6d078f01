import OrepaFiles

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
        // Parts of checkpoints look like whole ones and are known by their names.
        if let format = ForeignFormat(fileName: file.path) {
            self = .other(format.name)
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
        } else {
            self = .other(ForeignFormat(of: file)?.name ?? ForeignFormat.unknown)
        }
    }
}
