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
            resize = preprocessing.resize(forCrop: max(height, width))
        } else {
            resize = preprocessing.resize
            (height, width) = (preprocessing.crop, preprocessing.crop)
        }
    }

    /// Of what the network takes.
    var channels: Int { preprocessing.mean.count }

    /// Elements of a prepared picture, `[channels, height, width]`.
    var elementCount: Int { channels * height * width }

    /// - Throws: ``OrepaError/Code/invalidArgument`` where `picture` is no tensor and the network takes pictures of other
    ///   channels than grey or red, green and blue. Looks at no file.
    func checkChannels(of picture: Picture, name: String) throws(OrepaError) {
        if picture.isTensor || preprocessing.takesPictures { return }
        throw OrepaError(
            .invalidArgument,
            "\(name): expected a tensor [\(channels), \(height), \(width)], found a picture: those have 1 or 3 "
                + "channels, and the network takes \(channels)")
    }

    /// Prepares `picture` into `target`, ``elementCount`` elements, initialised or not.
    ///
    /// - Parameter name: For messages.
    func prepare(
        _ picture: Picture, into target: UnsafeMutableBufferPointer<Float>, name: String
    ) throws(OrepaError) {
        try checkChannels(of: picture, name: name)
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
                "\(name): tensor: expected [\(channels), \(height), \(width)], \(target.count) values, found "
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
                bytes, limits: limits, applyingOrientation: appliesExifOrientation
            ).image
        } catch { throw OrepaError(error, name: name) }
        try prepare(image, into: target, name: name)
    }

    private func prepare(
        _ image: RGBImage, into target: UnsafeMutableBufferPointer<Float>, name: String
    ) throws(OrepaError) {
        do throws(ImageError) {
            try (channels == 1 ? image.grey() : image).resizedAndCenterCropped(
                shorterSide: resize, width: width, height: height, limits: limits
            ).normalize(mean: preprocessing.mean, std: preprocessing.std, into: target)
        } catch { throw OrepaError(error, name: name) }
    }
}
