import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan

/// Makes pictures into what a network takes.
struct PicturePreparation: Sendable {
    let preprocessing: Preprocessing
    /// Shorter side that pictures are resized to, and the size that is cut out of them.
    let resize: Int
    let height: Int
    let width: Int
    let limits: DecodingLimits
    let choices: DecodingChoices

    init(_ preprocessing: Preprocessing, options: Model.Options) {
        self.preprocessing = preprocessing
        limits = options.decodingLimits
        choices = DecodingChoices(
            appliesOrientation: options.appliesExifOrientation,
            sixteenBitGrey: options.sixteenBitGrey,
            refusesDamagedFiles: options.refusesDamagedPictures)
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
    /// - Parameters:
    ///   - picture: Any.
    ///   - target: Where the values go.
    ///   - name: For messages.
    ///   - callLimits: When to end early, with the error that says so.
    /// - Returns: What is odd about the picture.
    func prepare(
        _ picture: Picture, into target: UnsafeMutableBufferPointer<Float>, name: String,
        callLimits: CallLimits
    ) throws(OrepaError) -> [ImageWarning] {
        try checkChannels(of: picture, name: name)
        let item = Item(target: target, name: name, limits: callLimits)
        switch picture.content {
        case .file:
            return try prepare(
                picture.read(limits: limits, callLimits: callLimits), into: target, name: name,
                callLimits: callLimits)
        case .fileBytes(let file):
            return try file.withBytes { (bytes) throws(OrepaError) in
                try prepare(encoded: bytes, item)
            }
        case .encoded(let bytes):
            return try bytes.withUnsafeBufferPointer { (bytes) throws(OrepaError) in
                try prepare(encoded: UnsafeRawBufferPointer(bytes), item)
            }
        case .borrowedEncoded(let bytes): return try prepare(encoded: bytes, item)
        case .image(let image):
            try item.naming { () throws(ImageError) in try prepare(image, item) }
        case .pixels(let bytes, let width, let height, let bytesPerRow, let order):
            let pixels = try BorrowedPixels(
                bytes, width: width, height: height, bytesPerRow: bytesPerRow, order: order,
                limits: limits, name: name)
            try item.naming { () throws(ImageError) in
                try prepare(pixels.image { callLimits.areReached }, item)
            }
        case .tensor(let values):
            try values.withUnsafeBufferPointer { (values) throws(OrepaError) in
                try copy(values, item)
            }
        case .borrowedTensor(let values): try copy(values, item)
        }
        return []
    }

    /// What belongs to one picture of a call.
    private struct Item {
        let target: UnsafeMutableBufferPointer<Float>
        let name: String
        let limits: CallLimits

        /// Gives errors the picture's name, and interruptions that of the limit.
        func naming<Value>(_ body: () throws(ImageError) -> Value) throws(OrepaError) -> Value {
            do throws(ImageError) { return try body() } catch {
                if error == .interrupted { try limits.check(path: name) }
                throw OrepaError(error, name: name)
            }
        }
    }

    private func copy(
        _ values: UnsafeBufferPointer<Float>, _ item: Item
    ) throws(OrepaError) {
        let target = item.target
        guard values.count == target.count else {
            throw OrepaError(
                .invalidArgument,
                "\(item.name): tensor: expected [\(channels), \(height), \(width)], \(target.count) values, found "
                    + "\(values.count)")
        }
        try item.naming { () throws(ImageError) in
            try PixelSlices.run(
                count: values.count, isInterrupted: { item.limits.areReached }
            ) { range in
                _ = UnsafeMutableBufferPointer(rebasing: target[range])
                    .initialize(fromContentsOf: values[range])
            }
        }
    }

    private func prepare(
        encoded bytes: UnsafeRawBufferPointer, _ item: Item
    ) throws(OrepaError) -> [ImageWarning] {
        try item.naming { () throws(ImageError) in
            try ImageDecoder.withDecoded(
                bytes, limits: limits, choices: choices,
                isInterrupted: { item.limits.areReached }
            ) { (decoded) throws(ImageError) in
                try prepare(decoded.image, item)
                return decoded.warnings
            }
        }
    }

    private func prepare(_ image: RGBImage, _ item: Item) throws(ImageError) {
        let isInterrupted = { item.limits.areReached }
        try (channels == 1 ? image.grey(isInterrupted: isInterrupted) : image)
            .resizedAndCenterCropped(
                shorterSide: resize, width: width, height: height,
                filter: ResamplingFilter(preprocessing.interpolation), limits: limits,
                isInterrupted: isInterrupted
            ).normalize(
                mean: preprocessing.mean, std: preprocessing.std, into: item.target,
                isInterrupted: isInterrupted)
    }
}
