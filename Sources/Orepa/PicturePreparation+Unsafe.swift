import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors

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
        let item = Item(target: target, name: name, limits: callLimits)
        switch picture.content {
        case .file:
            return try prepare(
                picture.read(limits: limits), into: target, name: name, callLimits: callLimits)
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
            let image = try RGBImage(
                borrowing: bytes, width: width, height: height, bytesPerRow: bytesPerRow,
                order: order, limits: limits, name: name)
            try item.naming { () throws(ImageError) in try prepare(image, item) }
        case .tensor(let values):
            try values.withUnsafeBufferPointer { (values) throws(OrepaError) in
                try copy(values, into: target, name: name)
            }
        case .borrowedTensor(let values): try copy(values, into: target, name: name)
        }
        return []
    }

    /// What belongs to one picture of a call.
    private struct Item {
        let target: UnsafeMutableBufferPointer<Float>
        let name: String
        let limits: CallLimits

        /// Whether the call is to end.
        var isInterrupted: Bool {
            do throws(PlanError) {
                try limits.check()
                return false
            } catch { return true }
        }

        /// Gives errors the picture's name, and interruptions that of the limit.
        func naming<Value>(_ body: () throws(ImageError) -> Value) throws(OrepaError) -> Value {
            do throws(ImageError) { return try body() } catch {
                if error == .interrupted {
                    do throws(PlanError) { try limits.check() } catch {
                        throw OrepaError(error, path: name)
                    }
                }
                throw OrepaError(error, name: name)
            }
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
        encoded bytes: UnsafeRawBufferPointer, _ item: Item
    ) throws(OrepaError) -> [ImageWarning] {
        try item.naming { () throws(ImageError) in
            try ImageDecoder.withDecoded(
                bytes, limits: limits, choices: choices, isInterrupted: { item.isInterrupted }
            ) { (decoded) throws(ImageError) in
                try prepare(decoded.image, item)
                return decoded.warnings
            }
        }
    }

    private func prepare(_ image: RGBImage, _ item: Item) throws(ImageError) {
        try image.resizedAndCenterCropped(
            shorterSide: resize, width: width, height: height, limits: limits,
            isInterrupted: { item.isInterrupted }
        ).normalize(mean: preprocessing.mean, std: preprocessing.std, into: item.target)
    }
}
