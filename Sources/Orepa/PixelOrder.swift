/// How the samples of a pixel follow one another in memory, 8 bits each.
public enum PixelOrder: Int32, Sendable, CaseIterable {
    /// Red, green, blue.
    case rgb = 0
    /// Blue, green, red, as OpenCV has them.
    case bgr = 1
    /// Red, green, blue, and a fourth byte that is passed over.
    case rgba = 2
    /// Blue, green, red, and a fourth byte that is passed over.
    case bgra = 3
    /// One sample, which is taken for red, green and blue, or as it is by a network of one channel.
    case grey = 4

    /// Bytes of a pixel.
    public var byteCount: Int {
        switch self {
        case .rgb, .bgr: 3
        case .rgba, .bgra: 4
        case .grey: 1
        }
    }
}
