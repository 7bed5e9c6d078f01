import Foundation
import OrepaImage
import Testing

/// Of each kind of metadata the orientation that Pillow finds (tools/fixtures/make_exif_pictures.py).
@Suite struct ExifOrientationTests {
    @Test func findsOrientationsAsPillow() throws {
        let file = fixtures.appending(path: "exif/pillow-13.0.0.tsv")
        #expect(file.path.contains(ImageDecoder.referencePillowVersion))
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(lines.count == 528)
        for line in lines {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            let original = try imageFixture(String(fields[0]))
            let at = try #require(Int(fields[1]))
            let bytes = original[..<at] + hexadecimal(fields[2]) + original[at...]
            let found = Result { () throws(ImageError) in try ImageDecoder.decode(Array(bytes)) }
            switch found {
            case .success(let decoded):
                #expect(
                    decoded.exifOrientation.map(String.init) ?? "none" == fields[3], "\(fields[4])")
            case .failure: #expect(fields[3] == "error", "\(fields[4])")
            }
        }
    }

    private func hexadecimal(_ digits: Substring) -> [UInt8] {
        stride(from: 0, to: digits.utf8.count, by: 2).compactMap { start in
            UInt8(digits.dropFirst(start).prefix(2), radix: 16)
        }
    }

    /// The memory of a turned picture is counted twice, wherever its orientation stands.
    @Test func countsTurnedPicturesTwice() throws {
        let bytes = try imageFixture("rgb-exif-after-3.png")
        let whole = try ImageDecoder.decode(bytes)
        #expect(whole.exifOrientation == 3)
        let count = whole.image.pixels.count
        // Room for the pixels once and for rows, not for the pixels twice.
        let limits = DecodingLimits(maximumMemory: 2 * count)
        #expect(decodingError(bytes, DecodingLimits(maximumMemory: count)) != nil)
        let error = imageError { () throws(ImageError) in
            try ImageDecoder.decode(
                bytes, limits: limits, choices: DecodingChoices(appliesOrientation: true))
        }
        guard case .tooMuchMemory(let needed, limits.maximumMemory) = error else {
            Issue.record("expected too much memory, found \(String(describing: error))")
            return
        }
        #expect(needed > 2 * count)
    }
}
