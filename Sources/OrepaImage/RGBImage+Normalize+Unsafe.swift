import OrepaSystem

extension RGBImage {
    /// The image as a tensor `[3, height, width]` of Float32, or of its red alone, `[1, height, width]`, where `mean` and
    /// `std` are one number each, as is right for a ``grey()`` image: each sample divided by 255, less `mean` of its channel,
    /// divided by `std` of its channel, rounded after each step as torchvision's `ToTensor` and `Normalize`.
    ///
    /// Costs one table lookup a sample.
    ///
    /// - Throws: ``ImageError/invalidNormalization(mean:std:)`` unless `mean` and `std` are three finite numbers
    ///   each, or one, and no deviation is zero.
    public func normalized(mean: [Float], std: [Float]) throws(ImageError) -> [Float] {
        let total = width * height * mean.count
        try ImageError.checkMemory(byteCount: total * MemoryLayout<Float>.size)
        // Memory: checked above.
        var values = [Float](repeating: 0, count: total)
        let failure = values.withUnsafeMutableBufferPointer { target -> ImageError? in
            do throws(ImageError) {
                try normalize(mean: mean, std: std, into: target)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
        return values
    }

    /// The value of each channel and sample, `[channels, 256]`.
    static func normalizationTable(mean: [Float], std: [Float]) throws(ImageError) -> [Float] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard [1, 3].contains(mean.count), std.count == mean.count, mean.allSatisfy(\.isFinite),
            std.allSatisfy({ $0.isFinite && $0 != 0 })
        else { throw .invalidNormalization(mean: mean, std: std) }
        return (0..<mean.count * 256).map { index in
            let channel = index / 256
            let sample = Float(index % 256) / 255
            return (sample - mean[channel]) / std[channel]
        }
    }
}
