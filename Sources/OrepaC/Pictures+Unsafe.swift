import COrepa
import Orepa
import OrepaPlan
import OrepaThreads

/// The pictures of a call, each by itself good or at fault.
func readPictures(
    _ pictures: UnsafePointer<orepa_picture>?, _ count: Int, for model: Model,
    limits: CallLimits
) throws(Failure) -> [Result<Picture, Failure>] {
    guard count != 0 else { return [] }
    guard let pictures else {
        throw .null("pictures", expected: "\(UInt(bitPattern: count)) pictures")
    }
    let first = UnsafeRawPointer(pictures)
    // Their owner's pictures may be longer than the ones that this library knows.
    let stride = try orepa_picture.size(at: first, "pictures[0]")
    guard count > 0, !count.multipliedReportingOverflow(by: stride).overflow else {
        throw .argument(
            "picture_count", expected: "a number of pictures that memory holds",
            found: "\(UInt(bitPattern: count))")
    }
    try checkMemory(count: count, size: 1 << 10)
    var result: [Result<Picture, Failure>] = []
    for index in 0..<count {
        let argument = "pictures[\(index)]"
        let pointer = first + index * stride
        let size = pointer.load(as: Int.self)
        guard size == stride else {
            throw .argument(
                "\(argument).size", expected: "\(stride), as pictures[0] has",
                found: "\(UInt(bitPattern: size))")
        }
        let picture = try orepa_picture.read(pointer, argument)
        result.append(
            Result { () throws(Failure) in
                try picture.picture(argument, for: model, limits: limits)
            })
    }
    return result
}

extension orepa_picture {
    fileprivate func picture(
        _ argument: String, for model: Model, limits: CallLimits
    ) throws(Failure) -> Picture {
        switch kind {
        case OREPA_PICTURE_FILE:
            return .file(try OrepaC.path(path, "\(argument).path"))
        case OREPA_PICTURE_ENCODED:
            return .encoded(borrowing: try buffer(data, data_size, "\(argument).data"))
        case OREPA_PICTURE_PIXELS:
            return try pixels(argument)
        case OREPA_PICTURE_TENSOR:
            return try tensor(argument, for: model, limits: limits)
        default:
            throw .argument(
                "\(argument).kind", expected: "one of OREPA_PICTURE_..., 1 to 4", found: "\(kind)")
        }
    }

    private func pixels(_ argument: String) throws(Failure) -> Picture {
        guard let order = PixelOrder(rawValue: order) else {
            throw .argument(
                "\(argument).order", expected: "one of OREPA_ORDER_..., 0 to 4", found: "\(order)")
        }
        let byteCount = order.byteCount
        guard width > 0, height > 0 else {
            throw .argument(
                "\(argument).width and height", expected: "positive numbers",
                found: "\(UInt(bitPattern: width)) and \(UInt(bitPattern: height))")
        }
        let (row, rowOverflow) = width.multipliedReportingOverflow(by: byteCount)
        let distance = bytes_per_row == 0 ? row : bytes_per_row
        guard !rowOverflow, distance >= row else {
            throw .argument(
                "\(argument).bytes_per_row",
                expected: "at least width \(width) x \(byteCount) bytes, or 0",
                found: "\(UInt(bitPattern: bytes_per_row))")
        }
        let (rows, rowsOverflow) = distance.multipliedReportingOverflow(by: height - 1)
        let (needed, overflow) = rows.addingReportingOverflow(row)
        guard !rowsOverflow, !overflow, data_size >= needed else {
            throw .argument(
                "\(argument).data_size",
                expected: "at least \(height - 1) x \(distance) + \(row) bytes",
                found: "\(UInt(bitPattern: data_size))")
        }
        return .pixels(
            borrowing: try buffer(data, data_size, "\(argument).data"), width: width,
            height: height, bytesPerRow: distance, order: order)
    }

    private func tensor(
        _ argument: String, for model: Model, limits: CallLimits
    ) throws(Failure) -> Picture {
        guard data_size % MemoryLayout<Float>.size == 0 else {
            throw .argument(
                "\(argument).data_size", expected: "a multiple of 4",
                found: "\(UInt(bitPattern: data_size))")
        }
        let count = data_size / MemoryLayout<Float>.size
        try values(data, count, expected: model.inputShape.elementCount, "\(argument).data")
        let values = UnsafeBufferPointer(
            start: data.assumingMemoryBound(to: Float.self), count: count)
        try values.checkFinite(limits: limits) { "\(argument).data, value \($0)" }
        return .tensor(borrowing: values)
    }
}
