import OrepaImage

/// A picture, decoded and prepared for a small network, within limits that the time for an input allows.
func fuzzPicture(_ input: UnsafeRawBufferPointer) -> Int32 {
    let limits = DecodingLimits(
        maximumPixels: 1 << 18, maximumMemory: 64 << 20, maximumScans: 20,
        maximumScannedSamples: 1 << 24)
    for choices in [
        DecodingChoices(appliesOrientation: true, sixteenBitGrey: .pillow),
        DecodingChoices(refusesDamagedFiles: true),
    ] {
        do {
            let decoded = try ImageDecoder.decode(input, limits: limits, choices: choices)
            let image = decoded.image
            precondition(image.width * image.height <= limits.maximumPixels)
            precondition(!decoded.warnings.contains { "\($0)".isEmpty })
            if image.width * image.height <= 1 << 16 {
                _ = try image.resizedAndCenterCropped(
                    shorterSide: 9, width: 8, height: 8, limits: limits)
            }
        } catch {
            check(error)
        }
    }
    return 0
}
