/// An EXIF block as ImageMagick stores it in texts of a PNG: three lines, then hexadecimal digits in lines.
enum HexadecimalProfile {
    /// The block; nil for what Pillow does not take for one. Costs a copy of half the size.
    ///
    /// - Throws: ``ImageError/interrupted``, ``ImageError/outOfMemory``.
    static func decode(
        _ text: Bytes, isInterrupted: () -> Bool
    ) throws(ImageError) -> [UInt8]? {
        var start = 0
        for _ in 0..<3 {
            let end = try text.firstIndex(
                of: UInt8(ascii: "\n"), from: start, isInterrupted: isInterrupted)
            guard let end else { return [] }
            start = end + 1
        }
        let lines = text.rest(from: start)
        var count = 0
        guard try readPairs(lines, isInterrupted, { _ in count += 1 }) else { return nil }
        if count == 0 { return [] }
        return try RGBImage.systemBytes(count) { (target) throws(ImageError) in
            var next = target
            _ = try readPairs(lines, isInterrupted) { byte in
                next.initialize(to: byte)
                next += 1
            }
        }
    }

    /// Calls `body` with the byte of each two digits, between which there may be white space, in which there may be ends
    /// of lines.
    ///
    /// - Returns: Whether there is nothing else.
    private static func readPairs(
        _ text: Bytes, _ isInterrupted: () -> Bool, _ body: (UInt8) -> Void
    ) throws(ImageError) -> Bool {
        var pace = InterruptionPace()
        var first: UInt8?
        for index in 0..<text.count {
            try pace.check(after: 4, isInterrupted)
            guard let character = text.byte(at: index) else { return false }
            switch (character, first) {
            case (UInt8(ascii: "\n"), _), (0x09...0x0D, nil), (UInt8(ascii: " "), nil): continue
            default: break
            }
            guard let digit = digit(character) else { return false }
            if let high = first {
                body(high << 4 | digit)
                first = nil
            } else {
                first = digit
            }
        }
        return first == nil
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
