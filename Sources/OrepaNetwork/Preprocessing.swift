/// How a picture becomes the network's input, as torchvision's `Resize`, `CenterCrop`, `ToTensor` and
/// `Normalize` do it on a Pillow image.
public struct Preprocessing: Sendable, Hashable {
    /// How a picture is resized. One way is known: Pillow's antialiased bilinear on 8-bit pixels.
    public enum Interpolation: String, Sendable, Hashable {
        case bilinear
    }

    /// Pixels of the shorter side after resizing.
    public let resize: Int
    /// Height and width of the centre crop, which is the network's input.
    public let crop: Int
    /// Subtracted from the values in 0...1, by channel: red, green, blue.
    public let mean: [Float]
    /// Divides what is left, by channel.
    public let std: [Float]
    public let interpolation: Interpolation

    /// The published evaluation on ImageNet: resize 256, crop 224, and ImageNet's mean and deviation.
    public static let imageNet = Preprocessing(
        resize: 256, crop: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

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

    /// The first field that makes no sense, with what was expected and what it holds; nil when all do.
    public var invalidField: (name: String, expected: String, found: String)? {
        for (name, side) in [("resize", resize), ("crop", crop)]
        where !(1...Preprocessing.largestSide ~= side) {
            return (name, "1 to \(Preprocessing.largestSide) pixels", "\(side)")
        }
        for (name, values) in [("mean", mean), ("std", std)]
        where values.count != 3 || !values.allSatisfy(\.isFinite) {
            return (name, "three finite numbers", "\(values)")
        }
        if !std.allSatisfy({ $0 > 0 }) { return ("std", "numbers above 0", "\(std)") }
        return nil
    }
}
