import OrepaSystem

extension RGBImage {
    /// The image scaled to `width` x `height` pixels by one of Pillow's antialiased filters, to the bit.
    ///
    /// `Image.resize((width, height), BILINEAR)` of Pillow 13, or another filter: a horizontal pass, rounded to 8 bits, then a vertical
    /// one, or the vertical one first if the height shrinks by more than twice as many pixels as the width (Pillow
    /// up to 12 never does that, which tells in images more than twice as high as wide, by 1 of 255);
    /// coefficients in fixed point of 22 bits. A pass that changes nothing is left out. Costs about
    /// `3 * (2 * max(1, scale) + 1)` multiplications per pixel and pass, twice and three times as many with the bicubic
    /// and the Lanczos filter.
    ///
    /// - Throws: ``ImageError/emptyImage(width:height:)`` if a side is not positive, or an error of `limits`, which
    ///   hold for the result and for the picture between the passes.
    public func resized(
        width: Int, height: Int, filter: ResamplingFilter = .bilinear,
        limits: DecodingLimits = .default
    ) throws(ImageError) -> RGBImage {
        _ = try limits.checkedByteCount(width: width, height: height)
        return try resized(
            width: width, height: height, columns: 0..<width, rows: 0..<height, filter, limits
        ) { false }
    }

    /// The image scaled so that its shorter side has `size` pixels, as torchvision's `Resize(size)`: the longer side
    /// gets `size * longer / shorter`, rounded down. Otherwise as
    /// ``resized(width:height:filter:limits:)``.
    public func resized(
        shorterSide size: Int, filter: ResamplingFilter = .bilinear,
        limits: DecodingLimits = .default
    ) throws(ImageError) -> RGBImage {
        let (width, height) = try sizeScaled(toShorterSide: size, limits)
        return try resized(width: width, height: height, filter: filter, limits: limits)
    }

    /// What `resized(shorterSide: size, filter: filter).centerCropped(width: width, height: height)` gives, to the bit, without
    /// computing pixels that the crop drops: faster, and possible for images so long and thin that the scaled
    /// image would exceed the limits.
    ///
    /// - Parameters:
    ///   - size: The shorter side of the scaled image.
    ///   - width: Columns of the crop.
    ///   - height: Rows of the crop.
    ///   - filter: How samples are weighed.
    ///   - limits: What may be computed.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/emptyImage(width:height:)`` if a side is not positive, or an error of `limits`, which
    ///   hold for the crop and for the picture between the passes.
    public func resizedAndCenterCropped(
        shorterSide size: Int, width: Int, height: Int, filter: ResamplingFilter = .bilinear,
        limits: DecodingLimits = .default,
        isInterrupted: () -> Bool = { false }
    ) throws(ImageError) -> RGBImage {
        _ = try limits.checkedByteCount(width: width, height: height)
        let scaled = try sizeScaled(toShorterSide: size, limits)
        let columns = CenterCrop(of: scaled.width, to: width).source
        let rows = CenterCrop(of: scaled.height, to: height).source
        return try resized(
            width: scaled.width, height: scaled.height, columns: columns, rows: rows, filter,
            limits, isInterrupted
        ).centerCropped(
            width: width, height: height, limits: limits, isInterrupted: isInterrupted)
    }

    /// Width and height after scaling the shorter side to `size`; the longer may exceed what the limits allow.
    private func sizeScaled(
        toShorterSide size: Int, _ limits: DecodingLimits
    ) throws(ImageError) -> (width: Int, height: Int) {
        guard size > 0 else { throw .emptyImage(width: size, height: size) }
        let shorter = min(width, height)
        let longer = max(width, height)
        let (product, overflow) = size.multipliedReportingOverflow(by: longer)
        guard !overflow else {
            throw .tooManyPixels(
                width: width <= height ? size : .max, height: width <= height ? .max : size,
                limit: limits.maximumPixels)
        }
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        // Python divides the two integers as Float64 and drops the fraction.
        let scaled = Int(exactly: (Double(product) / Double(shorter)).rounded(.down)) ?? .max
        return width <= height ? (size, scaled) : (scaled, size)
    }

    /// The part `columns` x `rows` of the image scaled to `width` x `height`.
    private func resized(
        width: Int, height: Int, columns: Range<Int>, rows: Range<Int>,
        _ filter: ResamplingFilter, _ limits: DecodingLimits,
        _ isInterrupted: () -> Bool
    ) throws(ImageError) -> RGBImage {
        let tables = ResamplingWindows.byteCount(
            sourceCount: self.width, targetCount: width, targets: columns, filter: filter
        )
        .addingReportingOverflow(
            ResamplingWindows.byteCount(
                sourceCount: self.height, targetCount: height, targets: rows, filter: filter))
        let tableBytes = tables.overflow ? .max : tables.partialValue
        _ = try limits.checkedByteCount(
            width: columns.count, height: rows.count, extraMemory: tableBytes)
        let horizontal = ResamplingWindows(
            sourceCount: self.width, targetCount: width, targets: columns, filter: filter)
        let vertical = ResamplingWindows(
            sourceCount: self.height, targetCount: height, targets: rows, filter: filter)
        var result = self
        if isResizedVerticallyFirst(toWidth: width, height: height) {
            if !vertical.isIdentity {
                _ = try limits.checkedByteCount(
                    width: self.width, height: rows.count, extraMemory: tableBytes)
                result = try result.resampledVertically(
                    by: vertical, firstRow: 0, isInterrupted: isInterrupted)
            }
            if !horizontal.isIdentity {
                result = try result.resampledHorizontally(
                    by: horizontal, rows: 0..<result.height, isInterrupted: isInterrupted)
            }
            return result
        }
        var firstRow = 0
        if !horizontal.isIdentity {
            let needed = vertical.sources
            firstRow = needed.lowerBound
            _ = try limits.checkedByteCount(
                width: columns.count, height: needed.count, extraMemory: tableBytes)
            result = try result.resampledHorizontally(
                by: horizontal, rows: needed, isInterrupted: isInterrupted)
        }
        if !vertical.isIdentity {
            result = try result.resampledVertically(
                by: vertical, firstRow: firstRow, isInterrupted: isInterrupted)
        }
        return result
    }

    /// Pillow since version 13 does the vertical pass first if the height loses more than twice as many pixels as the
    /// width; the order shows in the rounding between the passes.
    private func isResizedVerticallyFirst(toWidth width: Int, height: Int) -> Bool {
        guard height < self.height else { return false }
        return width >= self.width || self.height - height > 2 * (self.width - width)
    }
}
