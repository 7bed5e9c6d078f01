import Foundation
import Orepa
import OrepaImage
import OrepaNetwork
import OrepaThreads
import TestSupport
import Testing

/// The same picture, given in every way that a caller may have it.
@Suite struct PictureTests {
    private static let path = repositoryFile("models/fashion-mnist-repvgg/samples/ankle-boot.jpg")
    private let model: Model
    private let bytes: [UInt8]
    private let image: RGBImage
    private let expected: Answer

    init() throws {
        model = try Model(path: repositoryFile("models/fashion-mnist-repvgg/model.safetensors"))
        bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: PictureTests.path)))
        image = try ImageDecoder.decode(bytes).image
        expected = try model.run(.image(image))
    }

    @Test func encodedBytesFilesAndTensorsGiveTheSameBits() throws {
        #expect(try model.run(.file(PictureTests.path)) == expected)
        #expect(try model.run(.encoded(bytes)) == expected)
        try bytes.withUnsafeBytes {
            let found = try model.run(.encoded(borrowing: $0))
            #expect(found == expected)
        }
        let values = try preparedValues(image, model.description.preprocessing)
        #expect(try model.run(.tensor(values)) == expected)
        try values.withUnsafeBufferPointer {
            let found = try model.run(.tensor(borrowing: $0))
            #expect(found == expected)
        }
    }

    @Test func answersTellDamage() throws {
        // Zeros where the end-of-image marker was.
        let cut = Picture.encoded(
            Array(bytes.dropLast(2)) + [UInt8](repeating: 0, count: 100))
        let answer = try model.run(cut)
        #expect(answer.scores == expected.scores)
        #expect(answer.warnings == [.damaged(.jpeg, "no end-of-image marker")])
        #expect(expected.warnings == [])
        let both = try model.run([.encoded(bytes), cut]).map { try $0.get().warnings.count }
        #expect(both == [0, 1])
        var options = Model.Options()
        options.refusesDamagedPictures = true
        let strict = try Model(path: model.path, options: options)
        let error = #expect(throws: OrepaError.self) { try strict.run(cut) }
        #expect(error?.code == .invalidImage)
        #expect(error?.message.contains("no end-of-image marker") == true)
        #expect(try strict.run(.encoded(bytes)) == expected)
    }

    /// A deadline ends a call while its picture is decoded or scaled, not only when that is done.
    @Test(arguments: [1, 20]) func deadlinesReachDecoding(milliseconds: Int) throws {
        let large = try RGBImage(
            width: 6000, height: 6000, pixels: [UInt8](repeating: 9, count: 108_000_000))
        let png = try large.encodedAsPNG()
        for picture in [Picture.image(large), .encoded(png)] {
            let deadline = ContinuousClock.now + .milliseconds(milliseconds)
            let error = #expect(throws: OrepaError.self) {
                try model.run(picture, limits: CallLimits(deadline: deadline))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(ContinuousClock.now - deadline < .milliseconds(100))
            let cancellation = Cancellation()
            cancellation.cancel()
            let cancelled = #expect(throws: OrepaError.self) {
                try model.run(picture, limits: CallLimits(cancellation: cancellation))
            }
            #expect(cancelled?.code == .cancelled)
        }
    }

    /// Whatever way pixels come in, a deadline is looked at while they are brought into the form that the network takes.
    @Test(.serialized, arguments: PixelOrder.allCases, [1, 20])
    func deadlinesReachRawPixels(order: PixelOrder, milliseconds: Int) throws {
        // Beside the rows that are borrowed again and again there is no memory of that size.
        let side = 13_000
        let row = [UInt8](repeating: 9, count: side * order.byteCount + side)
        row.withUnsafeBytes { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: side * side * order.byteCount, alignment: 4096)
            defer { memory.deallocate() }
            for start in stride(from: 0, to: memory.count, by: side * order.byteCount) {
                (memory.baseAddress! + start).copyMemory(
                    from: bytes.baseAddress!, byteCount: side * order.byteCount)
            }
            let picture = Picture.pixels(
                borrowing: UnsafeRawBufferPointer(memory), width: side, height: side, order: order)
            let deadline = ContinuousClock.now + .milliseconds(milliseconds)
            let error = #expect(throws: OrepaError.self) {
                try model.run(picture, limits: CallLimits(deadline: deadline))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(ContinuousClock.now - deadline < .milliseconds(100))
            #expect(ContinuousClock.now >= deadline)
        }
    }

    /// Reading a file of some hundred megabytes ends at its deadline too.
    @Test(arguments: [1, 20]) func deadlinesReachReading(milliseconds: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("large.png")
        // The signature, and a hole.
        var head = try sampleImages().isEmpty ? [] : Array(image.encodedAsPNG().prefix(16))
        head.append(0)
        try Data(head).write(to: URL(fileURLWithPath: path))
        truncate(path, 1 << 30)
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        let error = #expect(throws: OrepaError.self) {
            try model.run(.file(path), limits: CallLimits(deadline: deadline))
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(ContinuousClock.now - deadline < .milliseconds(100))
    }

    /// Rows as close as they can be and far apart; nothing behind the last pixel.
    @Test(arguments: PixelOrder.allCases, [0, 5]) func rawPixelsGiveTheSameBits(
        order: PixelOrder, gap: Int
    ) throws {
        let source = order == .grey ? try grey() : image
        let rowCount = source.width * order.byteCount
        let bytesPerRow = rowCount + gap
        var memory = [UInt8](
            repeating: 0xAB, count: bytesPerRow * (source.height - 1) + rowCount)
        for y in 0..<source.height {
            for x in 0..<source.width {
                let pixel = (y * source.width + x) * 3
                let target = y * bytesPerRow + x * order.byteCount
                let places: [Int] =
                    switch order {
                    case .rgb, .rgba: [0, 1, 2]
                    case .bgr, .bgra: [2, 1, 0]
                    case .grey: [0]
                    }
                for (channel, place) in places.enumerated() {
                    memory[target + place] = source.pixels[pixel + channel]
                }
            }
        }
        let expected = try model.run(.image(source))
        try memory.withUnsafeBytes { memory in
            let picture = Picture.pixels(
                borrowing: memory, width: source.width, height: source.height,
                bytesPerRow: gap == 0 ? nil : bytesPerRow, order: order)
            let found = try model.run(picture)
            #expect(found == expected)
            let short = Picture.pixels(
                borrowing: UnsafeRawBufferPointer(rebasing: memory.dropLast()),
                width: source.width, height: source.height, bytesPerRow: bytesPerRow, order: order)
            expect(.invalidArgument, naming: "\(memory.count - 1)", short)
        }
    }

    private func grey() throws -> RGBImage {
        try RGBImage(
            width: image.width, height: image.height,
            pixels: (0..<image.width * image.height).flatMap {
                [UInt8](repeating: image.pixels[$0 * 3], count: 3)
            })
    }

    private func expect(_ code: OrepaError.Code, naming text: String, _ picture: Picture) {
        let error = #expect(throws: OrepaError.self) { try model.run(picture) }
        #expect(error?.code == code)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (0, 4, 12), (4, 0, 12), (-1, 4, 12), (4, Int.min, 12), (4, 4, 11), (4, 4, -12),
        (4, 4, Int.min), (Int.max, 2, Int.max), (4, 1 << 40, 12), (1 << 31, 1 << 31, 1 << 33),
        (4, 2, Int.max), (4, 4, 13),
    ]) func impossibleSizesAreRefused(width: Int, height: Int, bytesPerRow: Int) {
        let memory = [UInt8](repeating: 0, count: 48)
        memory.withUnsafeBytes { memory in
            let picture = Picture.pixels(
                borrowing: memory, width: width, height: height, bytesPerRow: bytesPerRow)
            let error = #expect(throws: OrepaError.self) { try model.run(picture) }
            #expect(error?.code == .invalidArgument || error?.code == .invalidImage)
        }
        let none = Picture.pixels(
            borrowing: UnsafeRawBufferPointer(start: nil, count: 0), width: 1, height: 1)
        expect(.invalidArgument, naming: "expected 3 bytes", none)
    }

    /// What reaches a picture's own limits fails alone, and not when it has been prepared in time.
    @Test func aPictureHasLimitsOfItsOwn() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        var late = Picture.file(PictureTests.path)
        late.limits = CallLimits(deadline: .now)
        var cancelled = Picture.image(image)
        cancelled.limits = CallLimits(cancellation: cancellation)
        var tensor = Picture.tensor(try preparedValues(image, model.description.preprocessing))
        tensor.limits = CallLimits(deadline: .now)
        var early = Picture.encoded(bytes)
        early.limits = CallLimits(
            deadline: .now + .seconds(600), cancellation: Cancellation())
        let pictures = [early, late, cancelled, early, tensor, Picture.image(image)]
        for limits in [CallLimits(), CallLimits(deadline: .now + .seconds(600))] {
            let answers = try model.run(pictures, limits: limits)
            let codes = answers.map { answer -> OrepaError.Code? in
                guard case .failure(let error) = answer else { return nil }
                return error.code
            }
            #expect(codes == [nil, .deadlineExceeded, .cancelled, nil, .deadlineExceeded, nil])
            for place in [0, 3, 5] { #expect(try answers[place].get() == expected) }
        }
        let error = #expect(throws: OrepaError.self) {
            try model.run([early], limits: CallLimits(cancellation: cancellation))
        }
        #expect(error?.code == .cancelled)
    }

    /// A picture that takes long does not take longer than it may, and the others are answered.
    @Test func aSlowPictureEndsAlone() throws {
        let large = try RGBImage(
            width: 6000, height: 6000, pixels: [UInt8](repeating: 9, count: 108_000_000))
        var slow = Picture.encoded(try large.encodedAsPNG())
        slow.limits = CallLimits(deadline: .now + .milliseconds(5))
        let answers = try model.run([.encoded(bytes), slow, .image(image)])
        #expect(try answers[0].get() == expected)
        #expect(try answers[2].get() == expected)
        let error = #expect(throws: OrepaError.self) { try answers[1].get() }
        #expect(error?.code == .deadlineExceeded)
    }

    @Test func whatIsNoPictureIsRefused() throws {
        expect(.notFound, naming: "missing.jpg: no such file", .file("missing.jpg"))
        expect(.notReadable, naming: "expected a file, found a folder", .file("/"))
        expect(.notReadable, naming: "regular file", .file("/dev/zero"))
        expect(.invalidImage, naming: "JPEG", .file(#filePath))
        expect(.invalidImage, naming: "no bytes", .encoded([]))
        expect(.invalidImage, naming: "truncated", .encoded([UInt8](bytes.prefix(bytes.count / 2))))
        expect(.invalidArgument, naming: "[3, ", .tensor([1, 2, 3]))
    }

    @Test func oneBadPictureDoesNotFailTheOthers() throws {
        let samples = try sampleImages()
        #expect(samples.count == 10)
        var pictures = samples.map { Picture.file($0) }
        for place in [0, 3, 4, 8, 12] { pictures.insert(.encoded([1, 2, 3]), at: place) }
        let answers = try model.run(pictures)
        var expected = samples[...]
        for (place, answer) in answers.enumerated() {
            if [0, 3, 4, 8, 12].contains(place) {
                let error = #expect(throws: OrepaError.self) { try answer.get() }
                #expect(error?.code == .invalidImage)
                #expect(error?.message.hasPrefix("picture \(place): ") == true)
            } else {
                #expect(try answer.get() == model.run(.file(expected.removeFirst())))
            }
        }
        #expect(expected.isEmpty)
        #expect(try model.run([] as [Picture]).isEmpty)
    }

    @Test func aDamagedNetworkNamesNoClass() throws {
        let size = model.inputShape.elementCount
        let answer = try model.run(.tensor([Float](repeating: .nan, count: size)))
        #expect(answer.logits.contains { $0.isNaN })
        let error = #expect(throws: OrepaError.self) { try answer.top(1) }
        #expect(error?.code == .notFinite)
    }
}

/// What a network takes of a picture, `[channels, H, W]`, step by step.
func preparedValues(_ image: RGBImage, _ preprocessing: Preprocessing) throws -> [Float] {
    try PicturePreparation(preprocessing, options: Model.Options())
        .cropped(.image(image), name: "image").image
        .normalized(mean: preprocessing.mean, std: preprocessing.std)
}

/// Paths of the default model's samples.
func sampleImages() throws -> [String] {
    let folder = repositoryFile("models/fashion-mnist-repvgg/samples")
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
        "\(folder)/\($0)"
    }
}
