import COrepaImage

/// What the chunks of a PNG have said so far, and what Pillow refuses of them (`PngImagePlugin.py`).
struct PNGHeader {
    /// Which of Pillow's modes the image has, as far as chunks are treated differently.
    private enum Kind { case grey, colour, palette, alpha }

    /// Bytes that Pillow decompresses of a text or a profile; more are an error.
    private static let largestText = 1 << 20
    /// Characters of all texts together that Pillow accepts.
    private static let mostText = 64 << 20
    /// Bytes that are decompressed of all texts and profiles together; Pillow has no such limit.
    private static let mostDecompressed = 256 << 20

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
    private var hasTransparentIndex = false
    private var frameCount: Int?
    private var sequenceNumber: Int?
    private var textCount = 0
    private var decompressedCount = 0
    private var showsDefaultImage = false

    /// What to do after a chunk.
    enum Outcome { case passed, imageData, end }

    /// Whether it is an animation of several pictures.
    var isAnimated: Bool { (frameCount ?? 1) + (showsDefaultImage ? 1 : 0) > 1 }

    /// Whether there has been a header that makes sense.
    var hasSize: Bool { kind != nil && width > 0 && height > 0 }

    /// Reads one chunk, whose checksum the caller looks at.
    mutating func read(_ chunk: PNGChunk, _ reader: inout PNGChunkReader) throws(ImageError)
        -> Outcome
    {
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
        case .transparency: try readTransparency(chunk, contents)
        case .gamma: try checkCount(chunk, least: 4)
        case .chromaticities: try checkCount(chunk, least: 32)
        case .standardColours: try checkCount(chunk, least: 1)
        case .pixelSize: try checkCount(chunk, least: 9)
        case .animation: try readAnimation(chunk, contents)
        case .frame: try readFrame(chunk, contents)
        case .profile: try readProfile(contents)
        case .text: try readText(contents)
        case .compressedText: try readCompressedText(contents)
        case .internationalText: try readInternationalText(contents)
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

    private mutating func readTransparency(_ chunk: PNGChunk, _ contents: Bytes) throws(ImageError)
    {
        switch kind {
        case .grey: try checkCount(chunk, least: 2)
        case .colour: try checkCount(chunk, least: 6)
        case .palette: hasTransparentIndex = Self.isOneTransparentIndex(contents)
        case .alpha, nil: break
        }
    }

    /// Whether all entries are opaque but one, which is transparent. Pillow's pattern ignores a line feed at the end.
    private static func isOneTransparentIndex(_ entries: Bytes) -> Bool {
        guard let zero = entries.firstIndex(of: 0) else { return false }
        for index in 0..<entries.count where index != zero {
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
    private mutating func decompressedSize(_ stream: Bytes) throws(ImageError) -> Int? {
        let size = orepa_png_decompressed_size(
            stream.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), stream.count,
            Self.largestText)
        guard size != -1 else {
            throw .corrupt(
                .png, "a text or colour profile of more than \(Self.largestText) bytes")
        }
        decompressedCount += size < 0 ? Self.largestText : Int(size)
        guard decompressedCount <= Self.mostDecompressed else {
            throw .corrupt(
                .png,
                "texts and colour profiles of more than \(Self.mostDecompressed) bytes")
        }
        return size < 0 ? nil : Int(size)
    }

    private mutating func readProfile(_ contents: Bytes) throws(ImageError) {
        // Without a zero byte after the name Pillow takes the first byte for the method of compression.
        let method = (contents.firstIndex(of: 0) ?? -1) + 1
        guard contents.byte(at: method) == 0 else {
            throw .corrupt(.png, "a colour profile compressed by an unknown method")
        }
        if let stream = contents.slice(from: method + 1, count: contents.count - method - 1) {
            _ = try decompressedSize(stream)
        }
    }

    private mutating func readText(_ contents: Bytes) throws(ImageError) {
        let keyCount = contents.firstIndex(of: 0) ?? contents.count
        if keyCount > 0 { try countText(max(contents.count - keyCount - 1, 0)) }
    }

    private mutating func readCompressedText(_ contents: Bytes) throws(ImageError) {
        let keyCount = contents.firstIndex(of: 0) ?? contents.count
        if let method = contents.byte(at: keyCount + 1), method != 0 {
            throw .corrupt(.png, "a text compressed by unknown method \(method)")
        }
        let start = min(keyCount + 2, contents.count)
        guard let stream = contents.slice(from: start, count: contents.count - start) else {
            return
        }
        let count = try decompressedSize(stream) ?? 0
        if keyCount > 0 { try countText(count) }
    }

    private mutating func readInternationalText(_ contents: Bytes) throws(ImageError) {
        guard let keyCount = contents.firstIndex(of: 0),
            let isCompressed = contents.byte(at: keyCount + 1),
            let method = contents.byte(at: keyCount + 2),
            let language = contents.firstIndex(of: 0, from: keyCount + 3),
            let key = contents.firstIndex(of: 0, from: language + 1),
            let text = contents.slice(from: key + 1, count: contents.count - key - 1)
        else { return }
        if isCompressed == 0 { return try countText(text.count) }
        guard method == 0, let count = try decompressedSize(text) else { return }
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
        guard kind == .palette else { return region }
        if let palette {
            guard palette.count / 3 <= 256 else {
                throw .corrupt(
                    .png, "a palette of \(palette.count / 3) entries; expected 256 at most")
            }
        } else if hasTransparentIndex {
            throw .corrupt(.png, "a transparent entry of a palette that there is not")
        }
        return region
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
