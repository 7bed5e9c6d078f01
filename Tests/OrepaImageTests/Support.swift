import CConversionLibraries
import Foundation
import OrepaImage

/// The folder of this package's fixtures.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

/// The bytes of an image in Tests/Fixtures/images.
func imageFixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: fixtures.appending(path: "images").appending(path: name)))
}

/// SHA-256 in lower-case hexadecimal.
func sha256(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(OREPA_SHA256_SIZE))
    let sum = orepa_sha256_begin()
    precondition(orepa_sha256_add(sum, bytes, bytes.count) && orepa_sha256_end(sum, &digest))
    return digest.map { String(format: "%02x", $0) }.joined()
}

/// One row of Tests/Fixtures/images/manifest.json.
struct ManifestEntry: Decodable, Sendable {
    let width: Int
    let height: Int
    let decodedHash: String
    let cropHash: String
    /// As Pillow reads it; only in entries made by tools/fixtures/make_image_fixtures.py.
    let orientation: Int?
    let transposedHash: String?
    let madeBy: String?

    enum CodingKeys: String, CodingKey {
        case width, height
        case decodedHash = "decoded_rgb_sha256"
        case cropHash = "resized_shorter_256_center_224_rgb_sha256"
        case orientation = "exif_orientation"
        case transposedHash = "transposed_rgb_sha256"
        case madeBy = "made_by"
    }
}

let manifest: [String: ManifestEntry] = {
    let file = fixtures.appending(path: "images/manifest.json")
    return try! JSONDecoder().decode([String: ManifestEntry].self, from: Data(contentsOf: file))
}()

/// The samples of tools/fixtures/make_resize_hashes.py, which defines them.
func generatedImage(seed: UInt64, width: Int, height: Int) throws -> RGBImage {
    let pixels = (0..<UInt64(width * height * 3)).map { index -> UInt8 in
        var z = seed &+ (index + 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        let sample = UInt8(truncatingIfNeeded: z >> 56)
        return seed % 4 == 0 ? (sample >= 128 ? 255 : 0) : sample
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
}

/// The error that `body` throws, or nil if it throws none.
func imageError<Value>(_ body: () throws(ImageError) -> Value) -> ImageError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

/// The error of decoding `bytes`, or nil if they decode.
func decodingError(_ bytes: [UInt8], _ limits: DecodingLimits = .default) -> ImageError? {
    imageError { () throws(ImageError) in try ImageDecoder.decode(bytes, limits: limits) }
}
