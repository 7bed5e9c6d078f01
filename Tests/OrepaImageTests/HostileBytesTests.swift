import OrepaImage
import Testing

/// Bytes that are no image, half an image, or an attack.
@Suite struct HostileBytesTests {
    @Test func refusesWhatIsNoImage() {
        #expect(decodingError([]) == .noBytes)
        #expect(
            decodingError(Array("hello, world".utf8))
                == .unknownFormat(signature: Array("hello, w".utf8)))
        #expect(decodingError([0xFF, 0xD8]) == .unknownFormat(signature: [0xFF, 0xD8]))
        #expect(
            decodingError([0, 1, 0xAB])?.description
                == "not a known image format: expected JPEG or PNG, found a file that begins with 00 01 ab"
        )
    }

    /// The first bytes of files of other formats.
    private static let otherFormats: [(ImageFormat, String, [UInt8])] = [
        signature(.webp, "WebP", [], "RIFF....WEBPVP8 "),
        signature(.gif, "GIF", [], "GIF87a.."),
        signature(.gif, "GIF", [], "GIF89a.."),
        signature(.heic, "HEIC", [0, 0, 0, 24], "ftypheic....mif1heic"),
        signature(.heic, "HEIC", [0, 0, 0, 24], "ftypmif1....mif1heic"),
        signature(.avif, "AVIF", [0, 0, 0, 28], "ftypavif....avifmif1miaf"),
        signature(.avif, "AVIF", [0, 0, 0, 24], "ftypmif1....miafavif"),
        signature(.bmp, "BMP", [], "BM............", [40, 0, 0, 0]),
        signature(.tiff, "TIFF", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]),
        signature(.tiff, "TIFF", [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8]),
        signature(.jpegXL, "JPEG XL", [0xFF, 0x0A, 0]),
        signature(.jpegXL, "JPEG XL", [0, 0, 0, 12], "JXL \r\n", [0x87, 0x0A]),
        signature(.jpeg2000, "JPEG 2000", [0, 0, 0, 12], "jP  \r\n", [0x87, 0x0A]),
        signature(.ico, "ICO", [0, 0, 1, 0, 1, 0]),
        signature(.photoshop, "Photoshop", [], "8BPS.."),
        signature(.netpbm, "Netpbm", [], "P6\n10 10\n255\n"),
        signature(.qoi, "QOI", [], "qoif...."),
        signature(.openEXR, "OpenEXR", [0x76, 0x2F, 0x31, 0x01]),
    ]

    private static func signature(
        _ format: ImageFormat, _ name: String, _ head: [UInt8] = [], _ text: String = "",
        _ tail: [UInt8] = []
    ) -> (ImageFormat, String, [UInt8]) { (format, name, head + Array(text.utf8) + tail) }

    @Test func refusesOtherFormatsByName() {
        for (format, name, bytes) in Self.otherFormats {
            #expect(ImageFormat(signatureOf: bytes) == format)
            #expect(!format.isSupported)
            #expect(decodingError(bytes) == .unsupportedFormat(format))
            #expect(
                decodingError(bytes)?.description
                    == "\(name) images are not supported; expected JPEG or PNG")
        }
        let refused = Set(Self.otherFormats.map(\.0))
        #expect(refused.union([.jpeg, .png]) == Set(ImageFormat.allCases))
    }

    @Test func doesNotTakeTextForAnImage() {
        #expect(ImageFormat(signatureOf: Array("BM is two letters of many".utf8)) == nil)
        #expect(ImageFormat(signatureOf: Array("P1 or not P1".utf8)) == nil)
        #expect(ImageFormat(signatureOf: [0, 0, 0, 255] + Array("ftypmp42....isom".utf8)) == nil)
        #expect(ImageFormat(signatureOf: Array("RIFF....WAVE".utf8)) == nil)
    }

    @Test(arguments: [
        "baseline-420.jpg", "progressive-444.jpg", "cmyk.jpg", "ycck.jpg", "exif-orientation-6.jpg",
        "arithmetic.jpg", "restart.jpg", "scan-per-component.jpg", "multi-picture.jpg",
        "grey-1bit.png",
        "interlaced.png", "palette.png", "rgb-16bit.png", "rgb-exif-after-3.png",
        "rgb-split-data.png",
        "animated.png",
    ])
    func truncatedFileIsAnErrorWherePixelsAreMissing(_ name: String) throws {
        var bytes = try imageFixture(name)
        let isJPEG = name.hasSuffix("jpg")
        if name == "multi-picture.jpg" {  // what follows the first image is not needed
            bytes.removeSubrange((try #require(Self.endOfImage(bytes)))...)
        }
        let whole = try ImageDecoder.decode(bytes).image
        let step = max(1, bytes.count / 200)
        var lengths = Array(stride(from: 9, to: bytes.count, by: step))
        lengths += (1...16).map { bytes.count - $0 }
        for length in lengths {
            switch Result(catching: { () throws(ImageError) in
                try ImageDecoder.decode(Array(bytes[..<length]))
            }) {
            case .success(let decoded):
                // All rows came out before the end, as in Pillow: only the end is missing.
                #expect(decoded.image == whole, "\(name) cut to \(length)")
                #expect(decoded.warnings.contains { $0.isDamage }, "\(name) cut to \(length)")
                #expect(length >= bytes.count - 100 || name == "animated.png")
            case .failure(let error):
                #expect(
                    error == .truncated(isJPEG ? .jpeg : .png, count: length)
                        || isJPEG && name.hasPrefix("arithmetic"),
                    "\(name) cut to \(length)")
            }
        }
        #expect(decodingError(bytes) == nil)
    }

    @Test func saysWhatIsTruncated() throws {
        let jpeg = try imageFixture("baseline-420.jpg")
        #expect(decodingError(Array(jpeg.prefix(20_000))) == .truncated(.jpeg, count: 20_000))
        #expect(decodingError(Array(jpeg.prefix(3))) == .truncated(.jpeg, count: 3))
        let png = try imageFixture("rgb.png")
        #expect(decodingError(Array(png.prefix(20_000))) == .truncated(.png, count: 20_000))
        #expect(
            decodingError(Array(png.prefix(20)))?.description
                == "truncated PNG image: it ends after 20 bytes, before its data do")
    }

    @Test(arguments: [
        "narrow-2x9.jpg", "arithmetic-progressive.jpg", "restart-progressive.jpg",
        "cmyk-progressive.jpg",
        "exif-thumbnail-5.jpg", "interlaced-3x2.png", "palette-short-4bit.png", "rgb-exif-6.png",
        "grey-16bit-interlaced.png",
    ])
    func flippedBitsNeverCrash(_ name: String) throws {
        let original = try imageFixture(name)
        let limits = DecodingLimits(maximumPixels: 1_000_000)
        var errors = 0
        let positions = 0..<min(original.count, 1500)
        for index in positions {
            var bytes = original
            for bit in [0, 3, 7] {
                bytes[index] = original[index] ^ (1 << bit)
                guard let error = decodingError(bytes, limits) else { continue }
                #expect(!error.description.isEmpty)
                errors += 1
            }
        }
        #expect(errors > 0 && errors < positions.count * 3)
    }

    @Test func randomBytesAfterSignaturesNeverCrash() throws {
        let heads: [[UInt8]] = [
            [0xFF, 0xD8, 0xFF], [0xFF, 0xD8, 0xFF, 0xE1, 0, 40] + Array("Exif\0\0II*\0".utf8),
            [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10], Array(try imageFixture("rgb.png").prefix(33)),
        ]
        for seed in 1...300 as ClosedRange<UInt64> {
            let noise = try generatedImage(seed: seed, width: 13, height: 11).pixels
            for head in heads { #expect(decodingError(head + noise) != nil) }
        }
    }

    /// One past the first end-of-image marker.
    static func endOfImage(_ bytes: [UInt8]) -> Int? {
        (2..<bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xD9 }.map { $0 + 2 }
    }
}
