extension JPEGHeader {
    /// The orientation, 1...8, that the EXIF segments, put together, or else the last XMP packet says.
    ///
    /// Costs nothing of the file's size, or where there are several EXIF segments another walk and a copy of them.
    /// ``check(isInterrupted:_:)`` comes before.
    ///
    /// - Throws: ``ImageError/interrupted``, ``ImageError/outOfMemory``.
    func orientation(isInterrupted: () -> Bool) throws(ImageError) -> Int? {
        guard let firstExif, exifCount > firstExif.count else {
            return try ExifOrientation.find(
                block: firstExif, prefixes: 2, packet: xmp, isInterrupted: isInterrupted)
        }
        let block = try RGBImage.systemBytes(exifCount) { (target) throws(ImageError) in
            var header = JPEGHeader(bytes)
            var count = 0
            try header.check(isInterrupted: isInterrupted) { segment in
                (target + count).initialize(from: segment.pointer!, count: segment.count)
                count += segment.count
            }
        }
        return try HeldBytes.owned(block).withBytes { (block) throws(ImageError) in
            try ExifOrientation.find(
                block: block, prefixes: 2, packet: xmp, isInterrupted: isInterrupted)
        }
    }
}
