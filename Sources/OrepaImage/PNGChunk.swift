/// A chunk of a PNG: where it is, not what is in it.
struct PNGChunk {
    /// Four letters, as an integer of the byte order of PNG.
    struct Name: Hashable, CustomStringConvertible {
        let code: UInt32

        init(code: UInt32) { self.code = code }

        /// - Parameter letters: Four.
        init(_ letters: StaticString) {
            code = letters.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
        }

        private var letters: [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: code >> $0) }
        }

        /// Whether Pillow takes it for a name: letters, digits and underscores.
        var isValid: Bool {
            letters.allSatisfy { letter in
                switch letter {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        }

        var description: String { String(decoding: letters, as: UTF8.self) }

        static let header = Name("IHDR")
        static let palette = Name("PLTE")
        static let transparency = Name("tRNS")
        static let imageData = Name("IDAT")
        static let frameData = Name("fdAT")
        static let otherData = Name("DDAT")
        static let animation = Name("acTL")
        static let frame = Name("fcTL")
        static let profile = Name("iCCP")
        static let gamma = Name("gAMA")
        static let chromaticities = Name("cHRM")
        static let standardColours = Name("sRGB")
        static let pixelSize = Name("pHYs")
        static let text = Name("tEXt")
        static let compressedText = Name("zTXt")
        static let internationalText = Name("iTXt")
        static let exif = Name("eXIf")
        static let end = Name("IEND")
    }

    let name: Name
    /// Offset of its contents in the file.
    let start: Int
    /// Bytes of its contents, there or not.
    let count: Int

    /// Offset of its checksum.
    var end: Int { start + count }
}
