import OrepaImage
import OrepaNetwork

/// A picture as the network takes it: resized, cropped and normalised.
public struct PreparedImage: Sendable {
    /// `[3, crop, crop]`, Float32, row-major, channels red, green, blue; `[1, crop, crop]`, grey, where the preprocessing
    /// is for one channel.
    public let values: [Float]

    /// The same bits as Pillow's `resize` with the preprocessing's interpolation, and torchvision's `CenterCrop`,
    /// `ToTensor` and `Normalize`.
    public init(_ image: RGBImage, preprocessing: Preprocessing) throws(ImageError) {
        values = try image.cropped(as: preprocessing)
            .normalized(mean: preprocessing.mean, std: preprocessing.std)
    }
}

extension RGBImage {
    /// The 8-bit picture that the network sees: made grey where it takes one channel, shorter side resized, centre
    /// cropped.
    public func cropped(as preprocessing: Preprocessing) throws(ImageError) -> RGBImage {
        try (preprocessing.mean.count == 1 ? grey() : self).resizedAndCenterCropped(
            shorterSide: preprocessing.resize, width: preprocessing.crop,
            height: preprocessing.crop, filter: ResamplingFilter(preprocessing.interpolation))
    }
}
