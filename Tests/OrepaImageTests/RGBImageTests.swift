import Foundation
import OrepaImage
import Testing

@Suite struct RGBImageTests {
    @Test func checksItsPixels() {
        #expect(
            imageError { () throws(ImageError) in
                try RGBImage(width: 2, height: 2, pixels: [1, 2, 3])
            } == .wrongPixelCount(width: 2, height: 2, found: 3))
        #expect(
            imageError { () throws(ImageError) in try RGBImage(width: 0, height: 2, pixels: []) }
                == .emptyImage(width: 0, height: 2))
        #expect(
            imageError { () throws(ImageError) in
                try RGBImage(width: .max, height: .max, pixels: [])
            } == .wrongPixelCount(width: .max, height: .max, found: 0))
    }

    /// A 3x2 image whose pixels' red is 0...5, in rows.
    private func numbered() throws -> RGBImage {
        try RGBImage(width: 3, height: 2, pixels: (0..<6).flatMap { [UInt8($0), 10, 20] })
    }

    @Test(arguments: [
        (1, 3, [0, 1, 2, 3, 4, 5]), (2, 3, [2, 1, 0, 5, 4, 3]), (3, 3, [5, 4, 3, 2, 1, 0]),
        (4, 3, [3, 4, 5, 0, 1, 2]), (5, 2, [0, 3, 1, 4, 2, 5]), (6, 2, [3, 0, 4, 1, 5, 2]),
        (7, 2, [5, 2, 4, 1, 3, 0]), (8, 2, [2, 5, 1, 4, 0, 3]), (0, 3, [0, 1, 2, 3, 4, 5]),
        (9, 3, [0, 1, 2, 3, 4, 5]),
    ])
    func orients(_ orientation: Int, _ width: Int, _ expected: [Int]) throws {
        let turned = try numbered().oriented(by: orientation)
        #expect(turned.width == width)
        #expect(turned.height == 6 / width)
        #expect(stride(from: 0, to: 18, by: 3).map { Int(turned.pixels[$0]) } == expected)
        #expect(turned.pixels[1] == 10 && turned.pixels[17] == 20)
    }

    /// SHA-256 of the Float32 bytes that torchvision 0.29's ToTensor and Normalize give for a 256x1 grey ramp.
    @Test func normalizesAsTorchvision() throws {
        let ramp = try RGBImage(
            width: 256, height: 1,
            pixels: (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 3) })
        let mean: [Float] = [0.485, 0.456, 0.406]
        let std: [Float] = [0.229, 0.224, 0.225]
        let values = try ramp.normalized(mean: mean, std: std)
        #expect(values.count == 3 * 256)
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        #expect(
            sha256(bytes) == "1d8b9af12b7b391827f7c801265239e21435c7e29b4d78c6189a35e437633897")
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
        defer { buffer.deallocate() }
        try ramp.normalize(mean: mean, std: std, into: buffer)
        #expect(Array(buffer) == values)
    }

    @Test func normalizesInPlanes() throws {
        let image = try RGBImage(width: 2, height: 1, pixels: [0, 51, 102, 153, 204, 255])
        #expect(
            try image.normalized(mean: [0, 0, 0], std: [1, 1, 1])
                == [0, 0.6, 0.2, 0.8, 0.4, 1])
    }

    @Test func refusesInvalidNormalization() throws {
        let image = try numbered()
        for (mean, std) in [
            ([0, 0], [1, 1, 1]), ([0, 0, 0], [1, 1]), ([0, 0, 0], [1, 0, 1]),
            ([0, .infinity, 0], [1, 1, 1]), ([0, 0, 0], [1, 1, -.infinity]),
        ] as [([Float], [Float])] {
            #expect(
                imageError { () throws(ImageError) in try image.normalized(mean: mean, std: std) }
                    == .invalidNormalization(mean: mean, std: std))
        }
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: 17)
        defer { buffer.deallocate() }
        #expect(
            imageError { () throws(ImageError) in
                try image.normalize(mean: [0, 0, 0], std: [1, 1, 1], into: buffer)
            } == .wrongBufferCount(expected: 18, found: 17))
    }

    @Test func decodesOnManyThreads() async throws {
        let names = ["baseline-420.jpg", "progressive-444.jpg", "ycck.jpg", "interlaced.png"]
        let files = try names.map { try imageFixture($0) }
        let hashes = names.map { manifest[$0]!.decodedHash }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<32 {
                let bytes = files[index % 4]
                let hash = hashes[index % 4]
                group.addTask { sha256(try ImageDecoder.decode(bytes).image.pixels) == hash }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
    }
}
