import OrepaSystem

/// What a file's name says about it.
enum PictureName {
    private static let extensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "heic",
        "heif", "avif", "jp2", "jxl", "ppm", "pgm", "svg",
    ]

    /// Whether it ends as the names of pictures do.
    static func isOne(_ path: RawPath) -> Bool {
        guard let dot = path.bytes.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = path.bytes[(dot + 1)...]
        guard 1...4 ~= ending.count else { return false }
        return extensions.contains(String(decoding: ending, as: UTF8.self).lowercased())
    }
}
