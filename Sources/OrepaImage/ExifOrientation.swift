/// The orientation that Pillow's `getexif` finds, by which `ImageOps.exif_transpose` turns.
///
/// Purely a courtesy: whatever is missing, damaged or out of range means that there is none. Where Pillow raises an error
/// for damaged metadata, there is none either.
enum ExifOrientation {
    private static let tag = 0x0112

    /// - Parameters:
    ///   - block: An EXIF block; nil for a file without one.
    ///   - prefixes: How many times "Exif" and two zero bytes may stand before it.
    ///   - packet: An XMP packet, which counts where the block says nothing of the orientation.
    ///   - isInterrupted: Asked often; true ends the call with ``ImageError/interrupted``.
    /// - Returns: 1...8 or nil.
    static func find(
        block: Bytes?, prefixes: Int, packet: Bytes?, isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        if var tiff = block {
            for _ in 0..<prefixes where tiff.hasPrefix("Exif\0\0") { tiff = tiff.rest(from: 6) }
            if tiff.count > 0 {
                guard let directory = TIFFDirectory(tiff) else { return nil }
                if let value = directory.firstValue(of: tag) { return orientation(value) }
            }
        }
        guard let packet else { return nil }
        return try find(in: packet, isInterrupted)
    }

    private static func orientation(_ value: TIFFDirectory.Value) -> Int? {
        (1...8).first { .number(Double($0)) == value }
    }

    /// The first digit after `tiff:Orientation="` or `tiff:Orientation>`.
    private static func find(
        in packet: Bytes, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        var start = 0
        while let place = try packet.firstIndex(
            of: name, from: start, isInterrupted: isInterrupted)
        {
            start = place + name.count
            let rest = packet.rest(from: start)
            let digit = rest.byte(at: rest.hasPrefix("=\"") ? 2 : 1)
            guard rest.hasPrefix("=\"") || rest.hasPrefix(">"), let digit,
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
            else { continue }
            let value = Int(digit - UInt8(ascii: "0"))
            return (1...8).contains(value) ? value : nil
        }
        return nil
    }
}
