extension RGBImage {
    /// The image turned the way an EXIF orientation asks for, as Pillow's `ImageOps.exif_transpose`.
    ///
    /// 1 is upright; 2 mirrors left to right; 3 turns by 180 degrees; 4 mirrors top to bottom; 5 swaps rows and
    /// columns; 6 turns by 90 degrees clockwise; 7 swaps them about the other diagonal; 8 turns by 90 degrees
    /// anticlockwise. Any other value changes nothing. Costs a copy.
    ///
    /// - Parameters:
    ///   - exif: 1...8.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Throws: ``ImageError/outOfMemory``, ``ImageError/interrupted``.
    public func oriented(
        by exif: Int, isInterrupted: () -> Bool = { false }
    ) throws(ImageError) -> RGBImage {
        let swapsAxes = (5...8).contains(exif)
        guard (2...8).contains(exif) else { return self }
        // The source of the result's pixel (x, y) is `origin + x * dx + y * dy`, in pixels.
        let right = width - 1
        let bottom = (height - 1) * width
        let (origin, dx, dy) =
            switch exif {
            case 2: (right, -1, width)
            case 3: (bottom + right, -1, -width)
            case 4: (bottom, 1, -width)
            case 5: (0, width, 1)
            case 6: (bottom, -width, 1)
            case 7: (bottom + right, -width, -1)
            default: (right, width, -1)
            }
        let newWidth = swapsAxes ? height : width
        let newHeight = swapsAxes ? width : height
        return RGBImage(
            uncheckedWidth: newWidth, height: newHeight,
            pixels: try gathered(
                width: newWidth, height: newHeight, origin: origin, dx: dx, dy: dy,
                isInterrupted: isInterrupted))
    }
}
