/// Work on the pixels of an image, cut into slices between which the caller is asked whether to go on: everything that
/// takes time in proportion to the number of pixels is done in these.
package enum PixelSlices {
    /// Pixels of a slice at most. With a cache miss for each it takes about a millisecond.
    private static let most = 1 << 15

    /// Calls `body` with each row, or with one part of it after the other where rows are long.
    ///
    /// - Parameter isInterrupted: Asked each time that about as many pixels are done as a slice has at most.
    /// - Throws: ``ImageError/interrupted``, and what `body` throws.
    package static func run(
        width: Int, height: Int, isInterrupted: () -> Bool,
        _ body: (_ row: Int, _ columns: Range<Int>) throws(ImageError) -> Void
    ) throws(ImageError) {
        var done = 0
        for row in 0..<height {
            var start = 0
            while start < width {
                let end = start + min(width - start, most)
                try body(row, start..<end)
                done += end - start
                start = end
                if done >= most {
                    if isInterrupted() { throw .interrupted }
                    done = 0
                }
            }
        }
    }

    /// Calls `body` with one range after the other of `count` pixels, or bytes, that follow each other.
    ///
    /// - Throws: ``ImageError/interrupted``.
    package static func run(
        count: Int, isInterrupted: () -> Bool, _ body: (Range<Int>) -> Void
    ) throws(ImageError) {
        try run(width: count, height: 1, isInterrupted: isInterrupted) { body($1) }
    }
}
