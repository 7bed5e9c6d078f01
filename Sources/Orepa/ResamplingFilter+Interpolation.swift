import OrepaImage
import OrepaNetwork

extension ResamplingFilter {
    /// The filter that a model's preprocessing asks for.
    init(_ interpolation: Preprocessing.Interpolation) {
        self =
            switch interpolation {
            case .bilinear: .bilinear
            case .bicubic: .bicubic
            case .lanczos: .lanczos
            case .box: .box
            case .hamming: .hamming
            }
    }
}
