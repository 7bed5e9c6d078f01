import COrepaImage

/// A text chunk of a PNG, cut where Pillow cuts it. Costs a search for zero bytes.
struct PNGText {
    /// Bytes that Pillow decompresses of a text or a profile; more are an error.
    static let largest = 1 << 20
    /// Bytes that are decompressed of all texts and profiles together; Pillow has no such limit.
    static let mostDecompressed = 256 << 20

    let key: Bytes
    /// As it is stored, compressed or not.
    let value: Bytes
    let isCompressed: Bool
    /// How it is compressed; 0 is the only method.
    let method: UInt8
    /// Of an international text its language and the key in that language, and the zero byte between them.
    let translation: Bytes

    private init(
        key: Bytes, value: Bytes, isCompressed: Bool = false, method: UInt8 = 0, translation: Bytes
    ) {
        self.key = key
        self.value = value
        self.isCompressed = isCompressed
        self.method = method
        self.translation = translation
    }

    /// Chunk tEXt.
    init(plain contents: Bytes, _ isInterrupted: () -> Bool) throws(ImageError) {
        let keyCount =
            try contents.firstIndex(of: 0, isInterrupted: isInterrupted) ?? contents.count
        self.init(
            key: contents.first(keyCount), value: contents.rest(from: keyCount + 1),
            translation: contents.first(0))
    }

    /// Chunk zTXt.
    init(compressed contents: Bytes, _ isInterrupted: () -> Bool) throws(ImageError) {
        let plain = try PNGText(plain: contents, isInterrupted)
        self.init(
            key: plain.key, value: plain.value.rest(from: 1), isCompressed: true,
            method: plain.value.byte(at: 0) ?? 0, translation: contents.first(0))
    }

    /// Chunk iTXt; nil where a part is missing, which Pillow passes over.
    init?(international contents: Bytes, _ isInterrupted: () -> Bool) throws(ImageError) {
        func zero(from start: Int) throws(ImageError) -> Int? {
            try contents.firstIndex(of: 0, from: start, isInterrupted: isInterrupted)
        }
        guard let keyCount = try zero(from: 0), let isCompressed = contents.byte(at: keyCount + 1),
            let method = contents.byte(at: keyCount + 2),
            let languageEnd = try zero(from: keyCount + 3),
            let translationEnd = try zero(from: languageEnd + 1)
        else { return nil }
        self.init(
            key: contents.first(keyCount), value: contents.rest(from: translationEnd + 1),
            isCompressed: isCompressed != 0, method: method,
            translation: contents.first(translationEnd).rest(from: keyCount + 3))
    }

    /// What comes of decompressing.
    enum Decompression<Result> {
        case done(Result)
        /// More than ``largest``.
        case tooLarge
        case damaged
    }

    /// How many bytes `stream` decompresses to.
    ///
    /// - Throws: ``ImageError/interrupted``.
    static func decompressedCount(
        of stream: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Decompression<Int> {
        try decompress(stream, into: nil, isInterrupted)
    }

    /// What `stream` decompresses to.
    ///
    /// - Throws: ``ImageError/interrupted``, ``ImageError/outOfMemory``.
    static func decompressed(
        _ stream: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Decompression<[UInt8]> {
        var outcome = Decompression<Int>.damaged
        let bytes = try RGBImage.systemBytes(largest) { (target) throws(ImageError) in
            target.initialize(repeating: 0, count: largest)
            outcome = try decompress(stream, into: target, isInterrupted)
        }
        switch outcome {
        // Memory: small.
        case .done(let count): return .done(Array(bytes.prefix(count)))
        case .tooLarge: return .tooLarge
        case .damaged: return .damaged
        }
    }

    private static func decompress(
        _ stream: Bytes, into target: UnsafeMutablePointer<UInt8>?, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Decompression<Int> {
        let size = withCheck(isInterrupted) { check in
            orepa_png_decompress(stream.pointer, stream.count, target, largest, check)
        }
        switch Int(size) {
        case OREPA_PNG_TOO_LARGE: return .tooLarge
        case OREPA_PNG_DAMAGED: return .damaged
        case OREPA_PNG_STOPPED: throw .interrupted
        default: return .done(Int(size))
        }
    }
}
