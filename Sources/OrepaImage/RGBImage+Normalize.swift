import OrepaSystem

extension RGBImage {
    /// The image as a tensor `[3, height, width]` of Float32: each sample divided by 255, less `mean` of its channel,
    /// divided by `std` of its channel, rounded after each step as torchvision's `ToTensor` and `Normalize`.
    ///
    /// Costs one table lookup a sample.
    ///
    /// - Throws: ``ImageError/invalidNormalization(mean:std:)`` unless `mean` and `std` are three finite numbers
    ///   each and no deviation is zero.
    public func normalized(mean: [Float], std: [Float]) throws(ImageError) -> [Float] {
        let table = try Self.normalizationTable(mean: mean, std: std)
        try ImageError.checkMemory(byteCount: pixels.count * MemoryLayout<Float>.size)
        // Memory: checked above.
        return [Float](unsafeUninitializedCapacity: pixels.count) { target, count in
            write(through: table, into: target.baseAddress!)
            count = pixels.count
        }
    }

    /// The value of each channel and sample, `[3, 256]`.
    static func normalizationTable(mean: [Float], std: [Float]) throws(ImageError) -> [Float] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard mean.count == 3, std.count == 3, mean.allSatisfy(\.isFinite),
            std.allSatisfy({ $0.isFinite && $0 != 0 })
        else { throw .invalidNormalization(mean: mean, std: std) }
        return (0..<3 * 256).map { index in
            let channel = index / 256
            let sample = Float(index % 256) / 255
            return (sample - mean[channel]) / std[channel]
        }
    }
}
