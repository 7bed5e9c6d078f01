import Foundation
import OrepaImage
import Testing

/// One line of Tests/Fixtures/resize/hashes.tsv.
private struct ResizeCase {
    let seed: UInt64
    let width: Int
    let height: Int
    /// The shorter side, or nil if the size is exact.
    let shorterSide: Int?
    let size: [Int]
    let crop: [Int]
    let resizedHash: String
    let croppedHash: String

    init?(_ line: Substring) {
        self.init(line.split(separator: "\t").map(String.init)[...])
    }

    init?(_ columns: ArraySlice<String>) {
        let fields = Array(columns)
        guard fields.count == 8, let seed = UInt64(fields[0]), let width = Int(fields[1]),
            let height = Int(fields[2])
        else { return nil }
        self.seed = seed
        self.width = width
        self.height = height
        shorterSide = fields[3] == "shorter" ? Int(fields[4]) : nil
        size = fields[4].split(separator: "x").compactMap { Int($0) }
        crop = fields[5].split(separator: "x").compactMap { Int($0) }
        resizedHash = fields[6]
        croppedHash = fields[7]
    }
}

@Suite struct ResizeTests {
    @Test func equalsPillowOn500RandomCases() throws {
        let file = fixtures.appending(path: "resize/hashes.tsv")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(lines.count == 500)
        for line in lines {
            let example = try #require(ResizeCase(line))
            let image = try generatedImage(
                seed: example.seed, width: example.width, height: example.height)
            let resized =
                if let side = example.shorterSide {
                    try image.resized(shorterSide: side)
                } else {
                    try image.resized(width: example.size[0], height: example.size[1])
                }
            let cropped = try resized.centerCropped(width: example.crop[0], height: example.crop[1])
            #expect(sha256(resized.pixels) == example.resizedHash, "\(line)")
            #expect(sha256(cropped.pixels) == example.croppedHash, "\(line)")
            if let side = example.shorterSide {
                let fused = try image.resizedAndCenterCropped(
                    shorterSide: side, width: example.crop[0], height: example.crop[1])
                #expect(fused == cropped, "\(line)")
            }
        }
    }

    @Test(arguments: [ResamplingFilter.bicubic, .lanczos, .box, .hamming])
    func equalsPillowWithOtherFilters(filter: ResamplingFilter) throws {
        let file = fixtures.appending(path: "resize/filters.tsv")
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
            .map { $0.split(separator: "\t").map(String.init) }
            .filter { $0[0] == "\(filter)" }
        #expect(rows.count == 100)
        for row in rows {
            let example = try #require(ResizeCase(row.dropFirst()))
            let image = try generatedImage(
                seed: example.seed, width: example.width, height: example.height)
            let (width, height) = (example.crop[0], example.crop[1])
            if let side = example.shorterSide {
                let resized = try image.resized(shorterSide: side, filter: filter)
                #expect(sha256(resized.pixels) == example.resizedHash, "\(row)")
                let cropped = try image.resizedAndCenterCropped(
                    shorterSide: side, width: width, height: height, filter: filter)
                #expect(sha256(cropped.pixels) == example.croppedHash, "\(row)")
            } else {
                let resized = try image.resized(
                    width: example.size[0], height: example.size[1], filter: filter)
                #expect(sha256(resized.pixels) == example.resizedHash, "\(row)")
                let cropped = try resized.centerCropped(width: width, height: height)
                #expect(sha256(cropped.pixels) == example.croppedHash, "\(row)")
            }
        }
    }

    @Test func sameSizeIsIdentity() throws {
        let image = try generatedImage(seed: 4, width: 31, height: 17)
        for filter in ResamplingFilter.allCases {
            #expect(try image.resized(width: 31, height: 17, filter: filter) == image)
        }
        #expect(try image.resized(shorterSide: 17) == image)
        #expect(try image.centerCropped(width: 31, height: 17) == image)
    }

    @Test func cropPadsWithBlack() throws {
        let image = try RGBImage(width: 1, height: 2, pixels: [1, 2, 3, 4, 5, 6])
        let padded = try image.centerCropped(width: 4, height: 1)
        // An excess of 3 columns: one on the left, two on the right. Of 2 rows, round(0.5) = 0 is kept.
        #expect(padded.pixels == [0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0])
    }

    @Test func cropRoundsHalfToEven() throws {
        for (size, expectedFirst) in [(2, 0), (4, 2), (6, 2), (8, 4)] {
            let image = try RGBImage(
                width: size, height: 1, pixels: (0..<size).flatMap { [UInt8($0), 0, 0] })
            #expect(try image.centerCropped(width: 1, height: 1).pixels[0] == expectedFirst)
        }
    }

    @Test func handlesExtremeScales() throws {
        let tall = try RGBImage(
            width: 1, height: 50_000, pixels: [UInt8](repeating: 200, count: 150_000))
        let small = try tall.resized(width: 3, height: 1)
        #expect(small.pixels.allSatisfy { $0 == 200 })
        #expect(
            imageError { () throws(ImageError) in try tall.resized(shorterSide: 256) }
                == .tooManyPixels(width: 256, height: 12_800_000, limit: 178_956_970))
        let crop = try tall.resizedAndCenterCropped(shorterSide: 256, width: 224, height: 224)
        #expect(crop.pixels.allSatisfy { $0 == 200 })
        #expect(crop.width == 224 && crop.height == 224)
    }

    @Test func refusesImpossibleSizes() throws {
        let image = try generatedImage(seed: 1, width: 5, height: 4)
        for (width, height) in [(0, 3), (3, 0), (-1, 3), (Int.min, 3)] {
            let expected = ImageError.emptyImage(width: width, height: height)
            #expect(
                imageError { () throws(ImageError) in
                    try image.resized(width: width, height: height)
                } == expected)
            #expect(
                imageError { () throws(ImageError) in
                    try image.centerCropped(width: width, height: height)
                } == expected)
            #expect(
                imageError { () throws(ImageError) in
                    try image.resizedAndCenterCropped(shorterSide: 9, width: width, height: height)
                } == expected)
        }
        #expect(
            imageError { () throws(ImageError) in try image.resized(shorterSide: 0) }
                == .emptyImage(width: 0, height: 0))
        for (width, height) in [(Int.max, Int.max), (1 << 40, 1), (20_000, 20_000)] {
            let expected = ImageError.tooManyPixels(
                width: width, height: height, limit: 178_956_970)
            #expect(
                imageError { () throws(ImageError) in
                    try image.resized(width: width, height: height)
                } == expected)
            #expect(
                imageError { () throws(ImageError) in
                    try image.centerCropped(width: width, height: height)
                } == expected)
        }
        #expect(
            imageError { () throws(ImageError) in try image.resized(shorterSide: .max) }
                == .tooManyPixels(width: .max, height: .max, limit: 178_956_970))
        #expect(
            imageError { () throws(ImageError) in
                try image.resized(width: 10, height: 10, limits: DecodingLimits(maximumMemory: 300))
            } == .tooMuchMemory(needed: 1020, limit: 300))
        // Between the passes the picture is 1 x 4, more than the result.
        #expect(
            imageError { () throws(ImageError) in
                try image.resized(width: 1, height: 3, limits: DecodingLimits(maximumPixels: 3))
            } == .tooManyPixels(width: 1, height: 4, limit: 3))
    }
}
