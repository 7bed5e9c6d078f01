import OrepaImage
import OrepaNetwork
import OrepaSafetensors

/// Makes pictures into what a network takes.
struct PicturePreparation: Sendable {
    let preprocessing: Preprocessing
    /// Shorter side that pictures are resized to, and the size that is cut out of them.
    let resize: Int
    let height: Int
    let width: Int
    let limits: DecodingLimits
    let appliesExifOrientation: Bool

    init(_ preprocessing: Preprocessing, options: Model.Options) {
        self.preprocessing = preprocessing
        limits = options.decodingLimits
        appliesExifOrientation = options.appliesExifOrientation
        if let size = options.inputSize, size != (preprocessing.crop, preprocessing.crop) {
            (height, width) = size
            let crop = preprocessing.crop
            // Sides are at most 2^14.
            resize = (max(height, width) * preprocessing.resize + crop - 1) / crop
        } else {
            resize = preprocessing.resize
            (height, width) = (preprocessing.crop, preprocessing.crop)
        }
    }

    /// Elements of a prepared picture, `[3, height, width]`.
    var elementCount: Int { 3 * height * width }

    /// Prepares `picture` into `target`, ``elementCount`` elements, initialised or not.
    ///
    /// - Parameter name: For messages.
    func prepare(
        _ picture: Picture, into target: UnsafeMutableBufferPointer<Float>, name: String
    ) throws(OrepaError) {
        switch picture.content {
        case .file: try prepare(picture.read(limits: limits), into: target, name: name)
        case .fileBytes(let file):
            try file.withBytes { (bytes) throws(OrepaError) in
                try prepare(encoded: bytes, into: target, name: name)
            }
        case .encoded(let bytes):
            try bytes.withUnsafeBufferPointer { (bytes) throws(OrepaError) in
                try prepare(
                    encoded: UnsafeRawBufferPointer(bytes), into: target, name: name)
            }
        case .borrowedEncoded(let bytes): try prepare(encoded: bytes, into: target, name: name)
        case .image(let image): try prepare(image, into: target, name: name)
        case .pixels(let bytes, let width, let height, let bytesPerRow, let order):
            let image = try RGBImage(
                borrowing: bytes, width: width, height: height, bytesPerRow: bytesPerRow,
                order: order, limits: limits, name: name)
            try prepare(image, into: target, name: name)
        case .tensor(let values):
            try values.withUnsafeBufferPointer { (values) throws(OrepaError) in
                try copy(values, into: target, name: name)
            }
        case .borrowedTensor(let values): try copy(values, into: target, name: name)
        }
    }

    private func copy(
        _ values: UnsafeBufferPointer<Float>, into target: UnsafeMutableBufferPointer<Float>,
        name: String
    ) throws(OrepaError) {
        guard values.count == target.count else {
            throw OrepaError(
                .invalidArgument,
                "\(name): tensor: expected [3, \(height), \(width)], \(target.count) values, found "
                    + "\(values.count)")
        }
        _ = target.initialize(fromContentsOf: values)
    }

    private func prepare(
        encoded bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>,
        name: String
    ) throws(OrepaError) {
        let image: RGBImage
        do throws(ImageError) {
            image = try ImageDecoder.decode(
                bytes, limits: limits,
                choices: DecodingChoices(appliesOrientation: appliesExifOrientation)
            ).image
        } catch { throw OrepaError(error, name: name) }
        try prepare(image, into: target, name: name)
    }

    private func prepare(
        _ image: RGBImage, into target: UnsafeMutableBufferPointer<Float>, name: String
    ) throws(OrepaError) {
        do throws(ImageError) {
            try image.resizedAndCenterCropped(
                shorterSide: resize, width: width, height: height, limits: limits
            ).normalize(mean: preprocessing.mean, std: preprocessing.std, into: target)
        } catch { throw OrepaError(error, name: name) }
    }
}
