import COrepaImage

/// Goes from chunk to chunk of a PNG as Pillow does: a place in the file that may lie behind its end.
struct PNGChunkReader {
    let bytes: Bytes
    /// Where the next byte is read.
    var offset = 8

    init(_ bytes: Bytes) { self.bytes = bytes }

    var truncated: ImageError { .truncated(.png, count: bytes.count) }

    /// Bytes whose checksum takes about a millisecond.
    private static let checksumPart = 1 << 20

    /// Reads the length and the name of the chunk here.
    ///
    /// - Throws: ``ImageError/truncated(_:count:)`` at the end of the file, ``ImageError/corrupt(_:_:)`` for what is
    ///   no name.
    mutating func next() throws(ImageError) -> PNGChunk {
        guard let count = bytes.integer(at: offset, byteCount: 4, isLittleEndian: false),
            let code = bytes.integer(at: offset + 4, byteCount: 4, isLittleEndian: false)
        else { throw truncated }
        let name = PNGChunk.Name(code: UInt32(code))
        guard name.isValid else {
            throw .corrupt(.png, "expected the name of a chunk, found other bytes")
        }
        offset += 8
        return PNGChunk(name: name, start: offset, count: count)
    }

    /// The contents of `chunk`, all of them.
    func contents(of chunk: PNGChunk) throws(ImageError) -> Bytes {
        guard let contents = bytes.slice(from: chunk.start, count: chunk.count) else {
            throw truncated
        }
        return contents
    }

    /// What is wrong with the checksum of `chunk`, a sentence; nil where it is right. Costs a look at all its bytes.
    ///
    /// - Parameter isInterrupted: Asked before each part of the bytes.
    /// - Throws: ``ImageError/interrupted``.
    func checksumFault(
        of chunk: PNGChunk, isInterrupted: () -> Bool
    ) throws(ImageError) -> String? {
        guard let body = bytes.slice(from: chunk.start - 4, count: chunk.count + 4),
            let expected = bytes.integer(at: chunk.end, byteCount: 4, isLittleEndian: false)
        else { return "chunk \(chunk.name) ends before its checksum" }
        var found: UInt32 = 0
        var start = 0
        while start < body.count {
            if isInterrupted() { throw .interrupted }
            let count = min(body.count - start, Self.checksumPart)
            found = orepa_png_checksum(found, body.pointer! + start, count)
            start += count
        }
        return Int(found) == expected ? nil : "wrong checksum of chunk \(chunk.name)"
    }
}
