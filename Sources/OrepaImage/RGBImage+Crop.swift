extension RGBImage {
    /// The central `width` x `height` pixels, as torchvision's `CenterCrop`.
    ///
    /// The left edge is `(self.width - width) / 2` rounded half to even, the top one alike. Where the image is
    /// smaller than the crop it is first padded with black, `(width - self.width) / 2` columns on the left rounded
    /// down and as many on the right rounded up. Costs a copy of the crop.
    ///
    /// - Parameters:
    ///   - width: Columns of the crop.
    ///   - height: Rows of the crop.
    ///   - limits: What the crop may cost.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/emptyImage(width:height:)`` if a side is not positive, or an error of `limits`.
    public func centerCropped(
        width: Int, height: Int, limits: DecodingLimits = .default,
        isInterrupted: () -> Bool = { false }
    ) throws(ImageError) -> RGBImage {
        let count = try limits.checkedByteCount(width: width, height: height)
        if width == self.width, height == self.height { return self }
        let columns = CenterCrop(of: self.width, to: width)
        let rows = CenterCrop(of: self.height, to: height)
        var result: [UInt8] = []
        // Memory: checked by the limits.
        result.reserveCapacity(count)
        let rowBytes = self.width * 3
        result.append(contentsOf: repeatElement(0, count: rows.before * width * 3))
        var pace = InterruptionPace()
        for row in rows.source {
            try pace.check(after: width * 3, isInterrupted)
            let start = row * rowBytes
            result.append(contentsOf: repeatElement(0, count: columns.before * 3))
            result.append(
                contentsOf: pixels[
                    (start + columns.source.lowerBound * 3)..<(start + columns.source.upperBound * 3)
                ])
            result.append(contentsOf: repeatElement(0, count: columns.after * 3))
        }
        result.append(contentsOf: repeatElement(0, count: rows.after * width * 3))
        return RGBImage(uncheckedWidth: width, height: height, pixels: result)
    }
}

/// Where a centre crop lies along one axis: zeros before, a range of the source, zeros after.
struct CenterCrop: Equatable {
    let before: Int
    let source: Range<Int>
    let after: Int

    init(of size: Int, to crop: Int) {
        if crop > size {
            before = (crop - size) / 2
            source = 0..<size
            after = crop - size - before
        } else {
            let excess = size - crop
            // Half to even: an odd excess of 4k + 1 rounds down to 2k, one of 4k + 3 up to 2k + 2.
            let start = excess % 2 == 0 || excess % 4 == 1 ? excess / 2 : excess / 2 + 1
            before = 0
            source = start..<start + crop
            after = 0
        }
    }
}
