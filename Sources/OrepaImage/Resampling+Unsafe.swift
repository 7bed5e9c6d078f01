import OrepaSystem

/// The two passes of a resize. Every window lies within the source by construction of ``ResamplingWindows``, and
/// sums wrap rather than trap: they exceed 32 bits only with more than four million weights to a window.
extension RGBImage {
    /// Rows `rows`, each resampled to `windows.windows.count` pixels.
    ///
    /// - Throws: ``ImageError/interrupted``.
    func resampledHorizontally(
        by windows: ResamplingWindows, rows: Range<Int>, isInterrupted: () -> Bool
    ) throws(ImageError) -> RGBImage {
        var pace = InterruptionPace()
        let width = windows.windows.count
        let sourceRowBytes = self.width * 3
        let result = try Self.systemBytes(rows.count * width * 3) { target in
            pixels.withUnsafeBufferPointer { source in
                windows.windows.withUnsafeBufferPointer { entries in
                    windows.weights.withUnsafeBufferPointer { weights in
                        var output = target
                        for row in rows {
                            if pace.isInterrupted(after: weights.count, isInterrupted) { return }
                            let input = source.baseAddress! + row * sourceRowBytes
                            Self.resample(input, entries, weights.baseAddress!, into: output)
                            output += width * 3
                        }
                    }
                }
            }
        }
        if pace.hasEnded { throw .interrupted }
        return RGBImage(uncheckedWidth: width, height: rows.count, pixels: result)
    }

    /// One row of the horizontal pass.
    @inline(__always)
    private static func resample(
        _ input: UnsafePointer<UInt8>, _ entries: UnsafeBufferPointer<ResamplingWindows.Window>,
        _ weights: UnsafePointer<Int32>, into output: UnsafeMutablePointer<UInt8>
    ) {
        var output = output
        for entry in entries {
            var source = input + entry.start * 3
            let weight = weights + entry.weight
            var red = half
            var green = half
            var blue = half
            for index in 0..<entry.count {
                let factor = weight[index]
                red &+= Int32(source[0]) &* factor
                green &+= Int32(source[1]) &* factor
                blue &+= Int32(source[2]) &* factor
                source += 3
            }
            output[0] = rounded(red)
            output[1] = rounded(green)
            output[2] = rounded(blue)
            output += 3
        }
    }

    /// The image resampled to `windows.windows.count` rows; its own first row is row `firstRow` of what the windows
    /// were made for.
    ///
    /// - Throws: ``ImageError/interrupted``.
    func resampledVertically(
        by windows: ResamplingWindows, firstRow: Int, isInterrupted: () -> Bool
    ) throws(ImageError) -> RGBImage {
        var pace = InterruptionPace()
        let rowBytes = width * 3
        let height = windows.windows.count
        // The sums of a row are 32-bit.
        try ImageError.checkMemory(byteCount: 4 * rowBytes)
        let result = try Self.systemBytes(height * rowBytes) { target in
            pixels.withUnsafeBufferPointer { source in
                windows.weights.withUnsafeBufferPointer { weights in
                    // Memory: checked above.
                    withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowBytes) { sums in
                        var output = target
                        for entry in windows.windows {
                            if pace.isInterrupted(after: entry.count * rowBytes, isInterrupted) {
                                return
                            }
                            var input = source.baseAddress! + (entry.start - firstRow) * rowBytes
                            sums.initialize(repeating: Self.half)
                            let sum = sums.baseAddress!
                            for index in 0..<entry.count {
                                let factor = weights[entry.weight + index]
                                for x in 0..<rowBytes { sum[x] &+= Int32(input[x]) &* factor }
                                input += rowBytes
                            }
                            for x in 0..<rowBytes { output[x] = Self.rounded(sum[x]) }
                            output += rowBytes
                        }
                    }
                }
            }
        }
        if pace.hasEnded { throw .interrupted }
        return RGBImage(uncheckedWidth: width, height: height, pixels: result)
    }

    /// One half in fixed point, where every sum starts.
    private static var half: Int32 { 1 << (ResamplingWindows.precision - 1) }

    /// The sum without its fraction, within 8 bits.
    @inline(__always)
    private static func rounded(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: max(0, min(255, sum >> ResamplingWindows.precision)))
    }
}
