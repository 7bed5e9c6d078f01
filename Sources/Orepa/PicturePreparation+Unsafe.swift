import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaThreads

/// Makes pictures into what a network takes.
package struct PicturePreparation: Sendable {
    let preprocessing: Preprocessing
    /// Shorter side that pictures are resized to, and the size that is cut out of them.
    let resize: Int
    let height: Int
    let width: Int
    let limits: DecodingLimits
    let choices: DecodingChoices

    /// - Parameter options: The input size, and how pictures are decoded.
    package init(_ preprocessing: Preprocessing, options: Model.Options) {
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

    /// Prepares `picture` where the network reads it.
    ///
    /// - Parameters:
    ///   - picture: Any. Its own limits hold too.
    ///   - input: Of a plan for ``channels``, ``height`` and ``width``.
    ///   - place: In `input`.
    ///   - name: For messages.
    ///   - callLimits: When to end early, with the error that says so.
    func prepare(
        _ picture: Picture, into input: PlanInput, at place: Int, name: String,
        callLimits: CallLimits
    ) throws(OrepaError) -> PreparedPicture {
        try checkChannels(of: picture, name: name)
        let item = Item(name: name, limits: callLimits.joined(with: picture.limits))
        let file: PreparedPicture
        switch picture.content {
        case .tensor(let values):
            file = .pixels
            try values.withUnsafeBufferPointer { (values) throws(OrepaError) in
                try copy(values, into: input, at: place, item)
            }
        case .borrowedTensor(let values):
            file = .pixels
            try copy(values, into: input, at: place, item)
        case .file, .fileBytes, .encoded, .borrowedEncoded, .image, .pixels:
            file = try withCropped(picture, item) { (image) throws(ImageError) in
                try image.normalize(
                    mean: preprocessing.mean, std: preprocessing.std, into: input.tensor(place),
                    isInterrupted: item.isInterrupted)
            }
        }
        // What is too late when it is ready need not be run.
        if !picture.limits.isNone { try picture.limits.check() }
        return file
    }

    /// The 8-bit picture that the network sees: decoded, turned, made grey where it takes one channel, resized and
    /// cropped.
    ///
    /// - Parameter name: For messages.
    package func cropped(
        _ picture: Picture, name: String
    ) throws(OrepaError) -> (image: RGBImage, file: PreparedPicture) {
        var cropped: RGBImage?
        let item = Item(name: name, limits: picture.limits)
        let file = try withCropped(picture, item) { (image) throws(ImageError) in cropped = image }
        return (cropped!, file)
    }

    /// What belongs to one picture of a call.
    private struct Item {
        let name: String
        let limits: CallLimits

        var isInterrupted: () -> Bool { { limits.areReached } }

        /// Gives errors the picture's name, and interruptions that of the limit.
        func naming<Value>(_ body: () throws(ImageError) -> Value) throws(OrepaError) -> Value {
            do throws(ImageError) { return try body() } catch {
                if error == .interrupted { try limits.check() }
                throw OrepaError(error, name: name)
            }
        }
    }

    private func copy(
        _ values: UnsafeBufferPointer<Float>, into input: PlanInput, at place: Int, _ item: Item
    ) throws(OrepaError) {
        guard values.count == elementCount else {
            throw OrepaError(
                .invalidArgument,
                "\(item.name): tensor: expected [\(channels), \(height), \(width)], \(elementCount) values, found "
                    + "\(values.count)")
        }
        do throws(PlanError) { try input.copy(values, to: place, limits: item.limits) } catch {
            throw OrepaError(error, path: item.name)
        }
    }

    /// Calls `body` with the 8-bit picture that the network sees, while its memory counts as part of what the limits allow to
    /// all threads together.
    private func withCropped(
        _ picture: Picture, _ item: Item, _ body: (RGBImage) throws(ImageError) -> Void
    ) throws(OrepaError) -> PreparedPicture {
        switch picture.content {
        case .file:
            let read = try picture.read(limits: limits, callLimits: item.limits)
            return try withCropped(read, item, body)
        case .fileBytes(let file):
            return try file.withBytes { (bytes) throws(OrepaError) in
                try withDecoded(bytes, item, body)
            }
        case .encoded(let bytes):
            return try bytes.withUnsafeBufferPointer { (bytes) throws(OrepaError) in
                try withDecoded(UnsafeRawBufferPointer(bytes), item, body)
            }
        case .borrowedEncoded(let bytes): return try withDecoded(bytes, item, body)
        case .image(let image):
            try item.naming { () throws(ImageError) in try body(crop(image, item)) }
        case .pixels(let bytes, let width, let height, let bytesPerRow, let order):
            let pixels = try BorrowedPixels(
                bytes, width: width, height: height, bytesPerRow: bytesPerRow, order: order,
                limits: limits, name: item.name)
            try item.naming { () throws(ImageError) in
                try body(crop(pixels.image(isInterrupted: item.isInterrupted), item))
            }
        case .tensor, .borrowedTensor:
            throw OrepaError(
                .invalidArgument, "\(item.name): expected a picture, found a tensor")
        }
        return .pixels
    }

    private func withDecoded(
        _ bytes: UnsafeRawBufferPointer, _ item: Item,
        _ body: (RGBImage) throws(ImageError) -> Void
    ) throws(OrepaError) -> PreparedPicture {
        try item.naming { () throws(ImageError) in
            try ImageDecoder.withDecoded(
                bytes, limits: limits, choices: choices, isInterrupted: item.isInterrupted
            ) { (decoded) throws(ImageError) in
                try body(crop(decoded.image, item))
                return PreparedPicture(
                    warnings: decoded.warnings, exifOrientation: decoded.exifOrientation)
            }
        }
    }

    private func crop(_ image: RGBImage, _ item: Item) throws(ImageError) -> RGBImage {
        let isInterrupted = item.isInterrupted
        return try (channels == 1 ? image.grey(isInterrupted: isInterrupted) : image)
            .resizedAndCenterCropped(
                shorterSide: resize, width: width, height: height,
                filter: ResamplingFilter(preprocessing.interpolation), limits: limits,
                isInterrupted: isInterrupted)
    }
}
