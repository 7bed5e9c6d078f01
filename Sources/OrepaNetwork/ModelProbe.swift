/// A picture that is kept with a model as the seed of its values, and the logits that it gave when the model's file
/// was written. All kernels give the same bits, so wherever the file is read the logits must be these, to the bit.
public struct ModelProbe: Sendable, Hashable {
    /// Seed of the picture: of the one on which the fold was verified, where it was.
    public let seed: UInt64
    /// `[classes]`, finite.
    public let logits: PerNumerics<[Float]>

    public init(seed: UInt64, logits: PerNumerics<[Float]>) {
        self.seed = seed
        self.logits = logits
    }

    /// The picture of `seed`, `[channels, height, width]`: random values, approximately normal with mean 0 and
    /// variance 1 like a normalised photograph, with the same bits everywhere. Takes about 1 ms for 224x224.
    public static func picture(seed: UInt64, channels: Int, height: Int, width: Int) -> [Float] {
        picture(seed: seed, channels: channels, height: height, width: width) {}
    }

    /// The same.
    ///
    /// - Parameter check: Called about each millisecond; throws what ends the call.
    package static func picture<Failure: Error>(
        seed: UInt64, channels: Int, height: Int, width: Int, check: () throws(Failure) -> Void
    ) throws(Failure) -> [Float] {
        let count = channels * height * width
        var noise = VerificationNoise(seed: seed)
        var values: [Float] = []
        // Memory: checked by the caller.
        values.reserveCapacity(count)
        while values.count < count {
            try check()
            values += noise.values(min(count - values.count, 1 << 16))
        }
        return values
    }

    /// The first field that makes no sense for `classCount` classes, with what was expected and what it holds.
    func invalidField(classCount: Int) -> (name: String, expected: String, found: String)? {
        for numerics in Numerics.allCases {
            let field = "probe.logits.\(numerics.rawValue)"
            let logits = logits[numerics]
            guard logits.count == classCount else {
                return (field, "\(classCount) logits", "\(logits.count)")
            }
            if let number = logits.first(where: { !$0.isFinite }) {
                return (field, "finite numbers", "\(number)")
            }
        }
        return nil
    }
}
