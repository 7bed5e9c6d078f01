/// A kind of image file, found by its first bytes and never by its name.
///
/// JPEG and PNG are decoded. The others are recognised so that a refusal can name them.
public enum ImageFormat: String, Sendable, CaseIterable, Hashable {
    case jpeg, png
    case webp, heic, avif, gif, bmp, tiff, jpegXL, jpeg2000, ico, photoshop, netpbm, qoi, openEXR

    /// The format's name in a sentence, such as "WebP".
    public var displayName: String {
        switch self {
        case .jpeg: "JPEG"
        case .png: "PNG"
        case .webp: "WebP"
        case .heic: "HEIC"
        case .avif: "AVIF"
        case .gif: "GIF"
        case .bmp: "BMP"
        case .tiff: "TIFF"
        case .jpegXL: "JPEG XL"
        case .jpeg2000: "JPEG 2000"
        case .ico: "ICO"
        case .photoshop: "Photoshop"
        case .netpbm: "Netpbm"
        case .qoi: "QOI"
        case .openEXR: "OpenEXR"
        }
    }

    /// Whether ``ImageDecoder`` decodes the format.
    public var isSupported: Bool { self == .jpeg || self == .png }

    /// Number of leading bytes that are enough for ``init(signatureOf:)``.
    public static let signatureLength = 64

    /// The format whose signature `bytes` begin with, or nil if none is known. Looks at the first
    /// ``signatureLength`` bytes only; of these, fewer may be given.
    public init?(signatureOf bytes: some Collection<UInt8>) {
        let head = Array(bytes.prefix(Self.signatureLength))
        guard
            let format = Self.magic.first(where: { $0.matches(head) })?.format
                ?? Self.isoMediaFormat(head) ?? Self.bitmapFormat(head) ?? Self.netpbmFormat(head)
        else { return nil }
        self = format
    }

    /// Bytes that a file of `format` has at `offset`, and at 0 those of `container`.
    private struct Magic: Sendable {
        let format: ImageFormat
        var container: [UInt8] = []
        var offset = 0
        let bytes: [UInt8]

        func matches(_ head: [UInt8]) -> Bool {
            head.starts(with: container) && head.dropFirst(offset).starts(with: bytes)
        }
    }

    private static let magic: [Magic] = [
        Magic(format: .jpeg, bytes: [0xFF, 0xD8, 0xFF]),
        Magic(format: .png, bytes: [0x89, 0x50, 0x4E, 0x47]),
        Magic(format: .webp, container: Array("RIFF".utf8), offset: 8, bytes: Array("WEBP".utf8)),
        Magic(format: .gif, bytes: Array("GIF87a".utf8)),
        Magic(format: .gif, bytes: Array("GIF89a".utf8)),
        Magic(format: .tiff, bytes: [0x49, 0x49, 0x2A, 0x00]),
        Magic(format: .tiff, bytes: [0x4D, 0x4D, 0x00, 0x2A]),
        Magic(format: .tiff, bytes: [0x49, 0x49, 0x2B, 0x00]),
        Magic(format: .tiff, bytes: [0x4D, 0x4D, 0x00, 0x2B]),
        Magic(format: .jpegXL, bytes: [0xFF, 0x0A]),
        Magic(format: .jpegXL, offset: 3, bytes: [0x0C] + Array("JXL \r\n".utf8)),
        Magic(format: .jpeg2000, offset: 3, bytes: [0x0C] + Array("jP  \r\n".utf8)),
        Magic(format: .jpeg2000, bytes: [0xFF, 0x4F, 0xFF, 0x51]),
        Magic(format: .ico, bytes: [0x00, 0x00, 0x01, 0x00]),
        Magic(format: .photoshop, bytes: Array("8BPS".utf8)),
        Magic(format: .qoi, bytes: Array("qoif".utf8)),
        Magic(format: .openEXR, bytes: [0x76, 0x2F, 0x31, 0x01]),
    ]

    /// HEIC and AVIF: an ISO base media file tells them apart by its brands, major one first.
    private static func isoMediaFormat(_ head: [UInt8]) -> ImageFormat? {
        guard head.count >= 12, head[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        let boxEnd = head[..<4].reduce(0) { $0 << 8 | Int($1) }
        var brands = [head[8..<12]]
        var offset = 16
        while offset + 4 <= min(boxEnd, head.count) {
            brands.append(head[offset..<offset + 4])
            offset += 4
        }
        func has(_ names: [String]) -> Bool {
            brands.contains { brand in names.contains { brand.elementsEqual($0.utf8) } }
        }
        if has(["avif", "avis"]) { return .avif }
        if has(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1"]) {
            return .heic
        }
        return nil
    }

    /// "BM" alone would catch text too: the size of the second header must be a known one.
    private static func bitmapFormat(_ head: [UInt8]) -> ImageFormat? {
        guard head.count >= 18, head.starts(with: "BM".utf8) else { return nil }
        let headerSize = head[14..<18].reversed().reduce(0) { $0 << 8 | Int($1) }
        return [12, 16, 40, 52, 56, 64, 108, 124].contains(headerSize) ? .bmp : nil
    }

    private static func netpbmFormat(_ head: [UInt8]) -> ImageFormat? {
        guard head.count >= 4, head[0] == UInt8(ascii: "P"),
            (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(head[1]),
            [0x20, 0x09, 0x0A, 0x0D].contains(head[2]),
            head[3] == UInt8(ascii: "#")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(head[3])
        else { return nil }
        return .netpbm
    }
}
