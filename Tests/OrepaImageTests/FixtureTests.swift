import Foundation
import OrepaImage
import Testing

/// Every image of Tests/Fixtures/images against what Pillow makes of it, to the bit.
@Suite struct FixtureTests {
    @Test func listsAllFixtures() throws {
        let folder = fixtures.appending(path: "images").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            !$0.hasSuffix(".expected.png") && $0 != "manifest.json"
        }
        #expect(Set(files) == Set(manifest.keys))
        #expect(files.count >= 28)
    }

    @Test(arguments: manifest.keys.sorted())
    func decodesAndCropsAsPillow(_ name: String) throws {
        let entry = try #require(manifest[name])
        let decoded = try ImageDecoder.decode(try imageFixture(name))
        #expect(decoded.format == (name.hasSuffix(".png") ? .png : .jpeg))
        #expect(decoded.image.width == entry.width)
        #expect(decoded.image.height == entry.height)
        #expect(sha256(decoded.image.pixels) == entry.decodedHash)
        let crop = try decoded.image.resized(shorterSide: 256).centerCropped(
            width: 224, height: 224)
        #expect(sha256(crop.pixels) == entry.cropHash)
        let fused = try decoded.image.resizedAndCenterCropped(
            shorterSide: 256, width: 224, height: 224)
        #expect(fused == crop)
    }

    @Test(arguments: manifest.filter { $0.value.madeBy != nil }.keys.sorted())
    func orientsAsPillow(_ name: String) throws {
        let entry = try #require(manifest[name])
        let decoded = try ImageDecoder.decode(
            try imageFixture(name), choices: DecodingChoices(appliesOrientation: true))
        #expect(decoded.exifOrientation == entry.orientation)
        #expect(sha256(decoded.image.pixels) == entry.transposedHash)
    }

    @Test(arguments: manifest.filter { $0.value.madeBy == nil }.keys.sorted())
    func cropEqualsExpectedPNG(_ name: String) throws {
        let crop = try ImageDecoder.decode(try imageFixture(name)).image
            .resizedAndCenterCropped(shorterSide: 256, width: 224, height: 224)
        let expected = try ImageDecoder.decode(try imageFixture(name + ".expected.png")).image
        #expect(crop == expected)
    }

    @Test func reportsOrientationAndIgnoresItByDefault() throws {
        let bytes = try imageFixture("exif-orientation-6.jpg")
        let stored = try ImageDecoder.decode(bytes)
        #expect(stored.exifOrientation == 6)
        #expect(stored.image.width == 300 && stored.image.height == 200)
        let turned = try ImageDecoder.decode(
            bytes, choices: DecodingChoices(appliesOrientation: true))
        #expect(turned.exifOrientation == 6)
        #expect(try turned.image == stored.image.oriented(by: 6))
        #expect(turned.image.width == 200 && turned.image.height == 300)
        #expect(try ImageDecoder.decode(try imageFixture("rgb.png")).exifOrientation == nil)
    }

    @Test(arguments: ["rgb.png", "tiny-3x5.png", "wide-1201x97.png"])
    func encodesPNG(_ name: String) throws {
        let image = try ImageDecoder.decode(try imageFixture(name)).image
        let encoded = try image.encodedAsPNG()
        #expect(try ImageDecoder.decode(encoded).image == image)
        #expect(try image.encodedAsPNG() == encoded)
    }
}
