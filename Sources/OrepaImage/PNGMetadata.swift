/// What the chunks of a PNG say of its orientation: of all those that Pillow reads until it has decoded the image, and
/// under the names it keeps them by (`PngImagePlugin.py`), of which a later chunk takes the place of an earlier one.
///
/// Costs a step for each chunk, and what some of the texts have. Damage ends it; whether it is an error is for others to
/// say.
struct PNGMetadata {
    /// An EXIF block before which "Exif" and two zero bytes may stand so many times, or what Pillow takes for one and
    /// fails with.
    private enum Exif {
        case block(Bytes, prefixes: Int)
        case text
    }

    private var exif: Exif?
    private var profile: HeldBytes?
    /// An XMP packet as text, which counts where there is one, and as bytes.
    private var packetText: HeldBytes?
    private var packet: HeldBytes?

    private var reader: PNGChunkReader
    private var decompressedCount = 0
    private var frameCount: Int?
    private var hasFrame = false
    /// Once there are image data.
    private var isAnimated: Bool?

    /// - Parameter isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/interrupted``, ``ImageError/outOfMemory``.
    init(_ bytes: Bytes, isInterrupted: () -> Bool) throws(ImageError) {
        reader = PNGChunkReader(bytes)
        var pace = InterruptionPace()
        while let chunk = try? reader.next(), chunk.name != .end,
            let contents = try? reader.contents(of: chunk)
        {
            try pace.check(after: 64, isInterrupted)
            if chunk.name == .frame, isAnimated == true { return }
            guard try read(chunk.name, contents, isInterrupted) else { return }
            reader.offset = chunk.end + 4
        }
    }

    /// - Returns: False where the file is refused in any case.
    private mutating func read(
        _ name: PNGChunk.Name, _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Bool {
        switch name {
        case .exif: exif = .block(contents, prefixes: 1)
        case .animation:
            let count = contents.integer(at: 0, byteCount: 4, isLittleEndian: false) ?? 0
            frameCount = frameCount == nil && (1...0x8000_0000).contains(count) ? count : nil
        case .frame: hasFrame = true
        case .imageData, .frameData:
            if isAnimated == nil {
                let showsDefault = name == .imageData && !hasFrame && frameCount != nil
                isAnimated = (frameCount ?? 1) + (showsDefault ? 1 : 0) > 1
            }
        case .text: try readText(contents, isInterrupted)
        case .compressedText: return try readCompressedText(contents, isInterrupted)
        case .internationalText: return try readInternationalText(contents, isInterrupted)
        default: break
        }
        return true
    }

    private static let profileName = "Raw profile type exif"
    private static let xmpName = "XML:com.adobe.xmp"

    /// Whether a text of that name says something of the orientation.
    private static func isRelevant(_ key: Bytes) -> Bool {
        ["exif", "xmp", profileName, xmpName].contains(where: key.equals)
    }

    private mutating func readText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        let text = try PNGText(plain: contents, isInterrupted)
        if text.key.equals("exif") {
            exif = .block(text.value, prefixes: 2)
        } else {
            keep(.borrowed(text.value), text.key)
        }
    }

    private mutating func readCompressedText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Bool {
        let text = try PNGText(compressed: contents, isInterrupted)
        guard Self.isRelevant(text.key) else { return true }
        guard text.method == 0 else { return false }
        switch try decompress(text.value, isInterrupted) {
        case .done(let value): keep(.owned(value), text.key)
        case .damaged: keep(.owned([]), text.key)
        case .tooLarge: return false
        }
        return true
    }

    private mutating func readInternationalText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Bool {
        guard let text = try PNGText(international: contents, isInterrupted),
            Self.isRelevant(text.key)
        else { return true }
        var value = HeldBytes.borrowed(text.value)
        if text.isCompressed {
            guard text.method == 0 else { return true }
            switch try decompress(text.value, isInterrupted) {
            case .done(let decompressed): value = .owned(decompressed)
            case .damaged: return true
            case .tooLarge: return false
            }
        }
        if text.key.equals(Self.xmpName) { packet = value }
        let isUnicode = try value.withBytes { (bytes) throws(ImageError) in
            try bytes.isUTF8(isInterrupted: isInterrupted)
        }
        if isUnicode, try text.translation.isUTF8(isInterrupted: isInterrupted) {
            keep(value, text.key)
        }
        return true
    }

    private mutating func keep(_ text: HeldBytes, _ key: Bytes) {
        if key.equals(Self.profileName) { profile = text }
        if key.equals(Self.xmpName) { packetText = text }
        if key.equals("exif") { exif = .text }
        if key.equals("xmp") { packet = nil }
    }

    /// Of more than is decompressed of a file nothing but ``PNGText/Decompression/tooLarge``.
    private mutating func decompress(
        _ stream: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> PNGText.Decompression<[UInt8]> {
        decompressedCount += PNGText.largest
        guard decompressedCount <= PNGText.mostDecompressed else { return .tooLarge }
        return try PNGText.decompressed(stream, isInterrupted)
    }

    /// The orientation, 1...8, that Pillow finds; nil if there is none or it fails.
    ///
    /// - Throws: ``ImageError/interrupted``, ``ImageError/outOfMemory``.
    func orientation(isInterrupted: () -> Bool) throws(ImageError) -> Int? {
        switch exif {
        case .block(let block, let prefixes): return try find(block, prefixes, isInterrupted)
        case .text: return nil
        case nil: break
        }
        guard let profile else { return try find(nil, 0, isInterrupted) }
        let block = try profile.withBytes { (text) throws(ImageError) in
            try HexadecimalProfile.decode(text, isInterrupted: isInterrupted)
        }
        guard let block else { return nil }
        return try HeldBytes.owned(block).withBytes { (block) throws(ImageError) in
            try find(block, 2, isInterrupted)
        }
    }

    private func find(
        _ block: Bytes?, _ prefixes: Int, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        let packet = packetText.flatMap { $0.isEmpty ? nil : $0 } ?? packet ?? .owned([])
        return try packet.withBytes { (packet) throws(ImageError) in
            try ExifOrientation.find(
                block: block, prefixes: prefixes, packet: packet, isInterrupted: isInterrupted)
        }
    }
}
