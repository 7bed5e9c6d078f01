import OrepaImage

/// A picture, decoded and prepared for a small network, within limits that the time for an input allows.
func fuzzPicture(_ input: UnsafeRawBufferPointer) -> Int32 {
    let limits = DecodingLimits(
        maximumPixels: 1 << 22, maximumMemory: 64 << 20, maximumScans: 20)
    do {
        let decoded = try ImageDecoder.decode(
            input, limits: limits,
            choices: DecodingChoices(appliesOrientation: true))
        let image = decoded.image
        precondition(image.width * image.height <= limits.maximumPixels)
        if image.width * image.height <= 1 << 16 {
            _ = try image.resizedAndCenterCropped(
                shorterSide: 9, width: 8, height: 8, limits: limits)
        }
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
