/// How a picture becomes the network's input, as torchvision's `Resize`, `CenterCrop`, `ToTensor` and
/// `Normalize` do it on a Pillow image.
public struct Preprocessing: Sendable, Hashable {
    /// How a picture is resized: by one of Pillow's antialiased filters, on 8-bit pixels.
    public enum Interpolation: String, Sendable, Hashable, CaseIterable {
        case bilinear, bicubic, lanczos, box, hamming
    }

    /// Pixels of the shorter side after resizing.
    public let resize: Int
    /// Height and width of the centre crop, which is the network's input.
    public let crop: Int
    /// Subtracted from the values in 0...1, by channel: red, green, blue; grey; or what the network takes.
    public let mean: [Float]
    /// Divides what is left, by channel.
    public let std: [Float]
    public let interpolation: Interpolation

    /// The published evaluation on ImageNet: resize 256, crop 224, and ImageNet's mean and deviation.
    public static let imageNet = Preprocessing(
        resize: 256, crop: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

    /// The published evaluation for a network of `channels`. Where they are not three, nothing is published, and mean
    /// and deviation are 0.5.
    public static func standard(channels: Int) -> Preprocessing {
        guard channels != 3 else { return .imageNet }
        // Memory: small, a number for each channel.
        let half = [Float](repeating: 0.5, count: channels)
        return Preprocessing(
            resize: imageNet.resize, crop: imageNet.crop, mean: half, std: half)
    }

    /// Numbers of channels for which pictures can be prepared: grey, and red, green and blue. Networks of others take
    /// tensors.
    public static let pictureChannels: Set<Int> = [1, 3]

    /// Whether pictures can be prepared with it.
    public var takesPictures: Bool { Preprocessing.pictureChannels.contains(mean.count) }

    /// The side to which pictures are resized whose crop is `crop`, in the proportion of this preprocessing, rounded
    /// down as the published code does: 365 for 320 where 256 goes with 224. At least 1. Sides are at most ``largestSide``.
    public func resize(forCrop crop: Int) -> Int { max(1, crop * resize / self.crop) }

    /// Largest resize and crop, in pixels.
    public static let largestSide = 1 << 14

    public init(
        resize: Int, crop: Int, mean: [Float], std: [Float],
        interpolation: Interpolation = .bilinear
    ) {
        self.resize = resize
        self.crop = crop
        self.mean = mean
        self.std = std
        self.interpolation = interpolation
    }

    /// The first field that makes no sense for a network of `channels`, with what was expected and what it holds; nil
    /// when all do.
    public func invalidField(
        channels: Int
    ) -> (name: String, expected: String, found: String)? {
        for (name, side) in [("resize", resize), ("crop", crop)]
        where !(1...Preprocessing.largestSide ~= side) {
            return (name, "1 to \(Preprocessing.largestSide) pixels", "\(side)")
        }
        for (name, values) in [("mean", mean), ("std", std)]
        where values.count != channels || !values.allSatisfy(\.isFinite) {
            return (
                name,
                "\(channels) finite \(channels == 1 ? "number" : "numbers"), one for each channel",
                "\(values.prefix(8))"
            )
        }
        if !std.allSatisfy({ $0 > 0 }) { return ("std", "numbers above 0", "\(std)") }
        return nil
    }
}
