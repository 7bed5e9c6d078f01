import Glibc

/// How an antialiased resize weighs the samples around a pixel: the filters of Pillow's `Resample.c`.
public enum ResamplingFilter: Sendable, Hashable, CaseIterable {
    case bilinear, bicubic, lanczos, box, hamming

    /// How far from the centre a sample may weigh something, in pixels of the smaller picture.
    var support: Double {
        switch self {
        case .bilinear, .hamming: 1
        case .bicubic: 2
        case .lanczos: 3
        case .box: 0.5
        }
    }

    /// The weight of a sample at `x`, in the same unit, before the weights are divided by their sum.
    func weight(at x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .bilinear: return distance < 1 ? 1 - distance : 0
        case .bicubic:
            // Keys, "Cubic convolution interpolation for digital image processing", with a = -1/2.
            let a = -0.5
            if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
            return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0
        case .lanczos: return -3 <= x && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        case .box: return -0.5 < x && x <= 0.5 ? 1 : 0
        case .hamming:
            if distance == 0 { return 1 }
            if distance >= 1 { return 0 }
            // Pillow has the two numbers as floats.
            let (constant, amplitude) = (Double(0.54 as Float), Double(0.46 as Float))
            return Self.sinc(distance) * (constant + amplitude * cos(distance * .pi))
        }
    }

    /// `sin(pi x) / (pi x)`.
    private static func sinc(_ x: Double) -> Double {
        guard x != 0 else { return 1 }
        let angle = x * .pi
        return sin(angle) / angle
    }
}
