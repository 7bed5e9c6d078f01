/// What the chunks of a PNG have said so far, and what Pillow refuses of them (`PngImagePlugin.py`).
struct PNGHeader {
    /// Which of Pillow's modes the image has, as far as chunks are treated differently.
    private enum Kind { case grey, colour, palette, alpha }

    /// What is transparent: one entry of the palette or one grey, one colour, or something of each entry.
    private enum Transparency { case index, colour, entries }

    /// Characters of all texts together that Pillow accepts.
    private static let mostText = 64 << 20

    private(set) var width = 0
    private(set) var height = 0
    private(set) var bitDepth = 0
    private(set) var colourType = 0
    private(set) var isInterlaced = false
    /// `[count, 3]`, of a palette image.
    private(set) var palette: Bytes?
    /// Where the image data belong, in an animation's first frame: columns and rows.
    private(set) var region: (columns: Range<Int>, rows: Range<Int>)?
    private var kind: Kind?
    private var transparency: Transparency?
    private var frameCount: Int?
    private var sequenceNumber: Int?
    private var textCount = 0
    private var decompressedCount = 0
    private var showsDefaultImage = false

    /// What to do after a chunk.
    enum Outcome { case passed, imageData, end }

    /// Whether it is an animation of several pictures.
    var isAnimated: Bool { (frameCount ?? 1) + (showsDefaultImage ? 1 : 0) > 1 }

    /// Reads one chunk, whose checksum the caller looks at.
    ///
    /// - Parameter isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    mutating func read(
        _ chunk: PNGChunk, _ reader: inout PNGChunkReader, isInterrupted: () -> Bool
    ) throws(ImageError) -> Outcome {
        switch chunk.name {
        case .imageData:
            if region == nil, frameCount != nil { showsDefaultImage = true }
            if kind != nil { return .imageData }
        // Before a header Pillow takes image data for something unknown.
        case .frameData:
            try checkCount(chunk, least: 4)
            guard kind != nil else {
                throw .corrupt(.png, "expected a header before the frames of an animation")
            }
            guard let bytes = reader.bytes.slice(from: chunk.start, count: 4) else {
                throw reader.truncated
            }
            try checkSequence(integer(bytes, 0))
            reader.offset = chunk.start + 4
            return .imageData
        case .end: return .end
        default: break
        }
        let contents = try reader.contents(of: chunk)
        reader.offset = chunk.end
        switch chunk.name {
        case .header: try readHeader(chunk, contents)
        case .palette: if kind == .palette { palette = contents }
        case .transparency: try readTransparency(chunk, contents, isInterrupted)
        case .gamma: try checkCount(chunk, least: 4)
        case .chromaticities: try checkCount(chunk, least: 32)
        case .standardColours: try checkCount(chunk, least: 1)
        case .pixelSize: try checkCount(chunk, least: 9)
        case .animation: try readAnimation(chunk, contents)
        case .frame: try readFrame(chunk, contents)
        case .profile: try readProfile(contents, isInterrupted)
        case .text: try readText(contents, isInterrupted)
        case .compressedText: try readCompressedText(contents, isInterrupted)
        case .internationalText: try readInternationalText(contents, isInterrupted)
        default: break
        }
        return .passed
    }

    private func integer(_ bytes: Bytes, _ offset: Int) -> Int {
        bytes.integer(at: offset, byteCount: 4, isLittleEndian: false) ?? 0
    }

    private func checkCount(_ chunk: PNGChunk, least: Int) throws(ImageError) {
        guard chunk.count >= least else {
            throw .corrupt(
                .png,
                "chunk \(chunk.name): expected at least \(least) bytes, found \(chunk.count)")
        }
    }

    private mutating func readHeader(_ chunk: PNGChunk, _ contents: Bytes) throws(ImageError) {
        try checkCount(chunk, least: 13)
        func byte(_ offset: Int) -> Int { Int(contents.byte(at: offset) ?? 0) }
        width = integer(contents, 0)
        height = integer(contents, 4)
        let kind: Kind? =
            switch (byte(8), byte(9)) {
            case (1, 0), (2, 0), (4, 0), (8, 0), (16, 0): .grey
            case (8, 2), (16, 2): .colour
            case (1, 3), (2, 3), (4, 3), (8, 3): .palette
            case (8, 4), (16, 4), (8, 6), (16, 6): .alpha
            default: nil
            }
        if let kind {
            self.kind = kind
            bitDepth = byte(8)
            colourType = byte(9)
        }
        if byte(12) != 0 { isInterlaced = true }
        guard byte(11) == 0 else {
            throw .corrupt(.png, "filter method: expected 0, found \(byte(11))")
        }
    }

    private mutating func readTransparency(
        _ chunk: PNGChunk, _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        switch kind {
        case .grey:
            try checkCount(chunk, least: 2)
            transparency = .index
        case .colour:
            try checkCount(chunk, least: 6)
            transparency = .colour
        case .palette:
            let isOne = try Self.isOneTransparentIndex(contents, isInterrupted)
            transparency = isOne ? .index : .entries
        case .alpha, nil: break
        }
    }

    /// Whether all entries are opaque but one, which is transparent. Pillow's pattern ignores a line feed at the end.
    private static func isOneTransparentIndex(
        _ entries: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Bool {
        guard let zero = try entries.firstIndex(of: 0, isInterrupted: isInterrupted) else {
            return false
        }
        var pace = InterruptionPace()
        for index in 0..<entries.count where index != zero {
            try pace.check(after: 2, isInterrupted)
            let entry = entries.byte(at: index)
            if entry == 0x0A, index == entries.count - 1, index > zero { continue }
            if entry != 0xFF { return false }
        }
        return true
    }

    private mutating func readAnimation(_ chunk: PNGChunk, _ contents: Bytes) throws(ImageError) {
        try checkCount(chunk, least: 8)
        if frameCount != nil {
            frameCount = nil
            return
        }
        let count = integer(contents, 0)
        if count > 0, count <= 0x8000_0000 { frameCount = count }
    }

    private mutating func checkSequence(_ number: Int) throws(ImageError) {
        guard let sequenceNumber, number == sequenceNumber + 1 else {
            throw .corrupt(.png, "frames of the animation are not in order")
        }
        self.sequenceNumber = number
    }

    private mutating func readFrame(_ chunk: PNGChunk, _ contents: Bytes) throws(ImageError) {
        try checkCount(chunk, least: 26)
        let number = integer(contents, 0)
        if sequenceNumber == nil, number == 0 {
            sequenceNumber = 0
        } else {
            try checkSequence(number)
        }
        let columns = integer(contents, 12)..<integer(contents, 12) + integer(contents, 4)
        let rows = integer(contents, 16)..<integer(contents, 16) + integer(contents, 8)
        guard columns.upperBound <= width, rows.upperBound <= height else {
            throw .corrupt(.png, "a frame of the animation that is larger than the image")
        }
        region = (columns, rows)
    }

    /// A text of `count` characters more.
    private mutating func countText(_ count: Int) throws(ImageError) {
        textCount += count
        guard textCount <= Self.mostText else {
            throw .corrupt(.png, "texts of more than \(Self.mostText) characters")
        }
    }

    /// The size of what `stream` decompresses to; nil for one that is damaged.
    private mutating func decompressedSize(
        _ stream: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        let size: Int?
        switch try PNGText.decompressedCount(of: stream, isInterrupted) {
        case .tooLarge:
            throw .corrupt(
                .png, "a text or colour profile of more than \(PNGText.largest) bytes")
        case .damaged: size = nil
        case .done(let count): size = count
        }
        decompressedCount += size ?? PNGText.largest
        guard decompressedCount <= PNGText.mostDecompressed else {
            throw .corrupt(
                .png,
                "texts and colour profiles of more than \(PNGText.mostDecompressed) bytes")
        }
        return size
    }

    private mutating func readProfile(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        // Without a zero byte after the name Pillow takes the first byte for the method of compression.
        let method = (try contents.firstIndex(of: 0, isInterrupted: isInterrupted) ?? -1) + 1
        guard contents.byte(at: method) == 0 else {
            throw .corrupt(.png, "a colour profile compressed by an unknown method")
        }
        if let stream = contents.slice(from: method + 1, count: contents.count - method - 1) {
            _ = try decompressedSize(stream, isInterrupted)
        }
    }

    private mutating func readText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        let text = try PNGText(plain: contents, isInterrupted)
        if text.key.count > 0 { try countText(text.value.count) }
    }

    private mutating func readCompressedText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        let text = try PNGText(compressed: contents, isInterrupted)
        guard text.method == 0 else {
            throw .corrupt(.png, "a text compressed by unknown method \(text.method)")
        }
        let count = try decompressedSize(text.value, isInterrupted) ?? 0
        if text.key.count > 0 { try countText(count) }
    }

    private mutating func readInternationalText(
        _ contents: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) {
        guard let text = try PNGText(international: contents, isInterrupted) else { return }
        if !text.isCompressed { return try countText(text.value.count) }
        guard text.method == 0, let count = try decompressedSize(text.value, isInterrupted) else {
            return
        }
        try countText(count)
    }

    /// Where the image data belong.
    ///
    /// - Throws: ``ImageError/corrupt(_:_:)`` for what Pillow refuses once all chunks before the data are read.
    func checkedRegion() throws(ImageError) -> (columns: Range<Int>, rows: Range<Int>) {
        let region = region ?? (0..<width, 0..<height)
        guard !region.columns.isEmpty, !region.rows.isEmpty, region.columns.upperBound <= width,
            region.rows.upperBound <= height
        else { throw .corrupt(.png, "an animation whose first frame is not within the image") }
        if kind == .palette, let palette, palette.count / 3 > 256 {
            throw .corrupt(.png, "a palette of \(palette.count / 3) entries; expected 256 at most")
        }
        return region
    }

    /// Refuses what Pillow does not convert to red, green and blue.
    ///
    /// - Parameter last: What all chunks of the file have said. This is what those before the image data have, which
    ///   decide of what kind the image is.
    func checkConversion(_ last: PNGHeader) throws(ImageError) {
        switch (kind, last.transparency) {
        case (.palette, .index) where palette == nil, (.palette, .colour) where palette == nil:
            throw .corrupt(.png, "a transparent entry of a palette that there is not")
        case (.grey, .colour) where [2, 4, 8].contains(bitDepth):
            throw .corrupt(.png, "a transparent colour of a grey image")
        default: break
        }
    }

    var isPalette: Bool { kind == .palette }

    /// The palette with black for what the file has not, `[256, 3]`.
    var fullPalette: [UInt8] {
        // Memory: small.
        var entries = [UInt8](repeating: 0, count: 256 * 3)
        for index in 0..<(palette?.count ?? 0) / 3 * 3 where index < entries.count {
            entries[index] = palette?.byte(at: index) ?? 0
        }
        return entries
    }
}
