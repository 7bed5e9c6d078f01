/// The blocks in which Pillow reads the compressed rows of a PNG (`load_read` of `PngImagePlugin.py`), and what it does
/// after them.
struct PNGImageData {
    /// What all chunks so far have said.
    private(set) var header: PNGHeader
    /// Whether it was an animation before the image data, which decides it for Pillow.
    private let isAnimated: Bool
    private var reader: PNGChunkReader
    /// The chunk that is being read.
    private var chunk: PNGChunk
    /// Bytes of it that were not read yet.
    private var left: Int
    /// What checksums are wrong.
    private(set) var faults: [String] = []

    private static let largestBlock = 65536

    /// - Parameter chunk: The first chunk of image data, of whose contents `reader` is at the first byte.
    init(_ header: PNGHeader, _ reader: PNGChunkReader, _ chunk: PNGChunk) {
        self.header = header
        isAnimated = header.isAnimated
        self.reader = reader
        self.chunk = chunk
        left = chunk.end - reader.offset
    }

    /// Where the next block is in the file.
    ///
    /// - Parameter isInterrupted: Asked at the end of each chunk.
    /// - Throws: ``ImageError/truncated(_:count:)`` where there is none, what the chunks are refused for, and
    ///   ``ImageError/interrupted``.
    mutating func nextBlock(isInterrupted: () -> Bool) throws(ImageError) -> Range<Int> {
        while left == 0 {
            reader.offset = chunk.end
            try finishChunk(isInterrupted)
            chunk = try reader.next()
            switch chunk.name {
            case .imageData, .otherData: break
            case .frameData: _ = try header.read(chunk, &reader, isInterrupted: isInterrupted)
            default: throw reader.truncated
            }
            left = chunk.end - reader.offset
        }
        let wanted = min(left, Self.largestBlock)
        let start = min(reader.offset, reader.bytes.count)
        let end = min(start + wanted, reader.bytes.count)
        left -= wanted
        reader.offset += wanted
        guard start < end else { throw reader.truncated }
        return start..<end
    }

    /// Goes past the checksum of the chunk that ends here.
    private mutating func finishChunk(_ isInterrupted: () -> Bool) throws(ImageError) {
        note(try reader.checksumFault(of: chunk, isInterrupted: isInterrupted))
        reader.offset = chunk.end + 4
    }

    private mutating func note(_ fault: String?) {
        // So many say enough, and a file may hold millions of chunks, each of another name.
        guard let fault, faults.count < 16, !faults.contains(fault) else { return }
        faults.append(fault)
    }

    /// Reads the chunks after the image. Other frames of an animation, which nobody asks for, are passed over with all
    /// that follows the first of them.
    ///
    /// - Throws: What Pillow refuses of them.
    mutating func readEnd(isInterrupted: () -> Bool) throws(ImageError) {
        var passesOver = false
        while true {
            try finishChunk(isInterrupted)
            guard let next = try? reader.next() else { return note("no chunk IEND at the end") }
            chunk = next
            if chunk.name == .end {
                return note(try reader.checksumFault(of: chunk, isInterrupted: isInterrupted))
            }
            if chunk.name == .frame, isAnimated { passesOver = true }
            if passesOver { continue }
            let outcome = try header.read(chunk, &reader, isInterrupted: isInterrupted)
            if outcome == .imageData { _ = try reader.contents(of: chunk) }
        }
    }
}
