import Orepa
import OrepaImage

extension PreparedPicture {
    /// A sentence for whatever is odd about the picture's file.
    ///
    /// - Parameter appliesOrientation: Whether it was turned as it asks for.
    func sentences(appliesOrientation: Bool) -> [String] {
        var sentences = warnings.map { warning in
            warning == .sixteenBitGrey ? "\(warning); --png16 pillow does so too" : "\(warning)"
        }
        if let exifOrientation, exifOrientation != 1, !appliesOrientation {
            sentences.append(
                "the file asks to be turned or mirrored (EXIF orientation \(exifOrientation)); ignored, "
                    + "as in training; --exif-orientation applies it")
        }
        return sentences
    }
}
