import Foundation
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import TestSupport
import Testing

/// Networks of other channels than three.
@Suite struct ChannelTests {
    /// A 3x3 convolution of stride 1, whose feature map is what its input says.
    private func model(
        channels: Int, preprocessing: Preprocessing? = nil
    ) throws -> ModelFile {
        let graph = try Graph(
            inputChannels: channels,
            nodes: [
                Node(
                    name: "stage0",
                    operation: .convolution(
                        Convolution(
                            parameters: "stage0", inputChannels: channels, outputChannels: 8,
                            kernel: 3, padding: 1, activation: .relu)), inputs: [Graph.inputName]),
                Node(name: "pool", operation: .globalAveragePool, inputs: ["stage0"]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: 8, outputFeatures: 3)),
                    inputs: ["pool"]),
            ])
        var random = SeededRandom(3)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[ByteName(name)] = Tensor(
                shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        let half = [Float](repeating: 0.5, count: channels)
        return try ModelFile(
            network: Network(graph: graph, tensors: tensors),
            description: ModelDescription(
                family: "RepVGG", blocks: [:],
                preprocessing: preprocessing
                    ?? Preprocessing(resize: 9, crop: 8, mean: half, std: half),
                tool: "test"))
    }

    private let options: Model.Options = {
        var options = Model.Options()
        options.threads = .callersThread
        return options
    }()

    @Test(arguments: [1, 2, 4, 5, 13]) func tensorsOfAnyNumberOfChannels(channels: Int) throws {
        let model = try Model(self.model(channels: channels), options: options)
        #expect(model.inputShape.channels == channels)
        var random = SeededRandom(4)
        let values = random.floats(channels * 64)
        let answer = try model.run(.tensor(values))
        #expect(answer.logits.count == 3)
        // The same as a network of 16 channels gives whose other weights and inputs are zeros: no channel is lost.
        var changed = values
        changed[(channels - 1) * 64 + 9] += 5
        #expect(try model.run(.tensor(changed)).logits != answer.logits)
        let error = #expect(throws: OrepaError.self) {
            try model.run(.tensor(values + [0]))
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("[\(channels), 8, 8]") == true)
    }

    /// Pixels in colours become the grey that Pillow makes of them; grey ones stay as they are.
    @Test func picturesOfOneChannelAreGrey() throws {
        let model = try Model(self.model(channels: 1), options: options)
        var random = SeededRandom(5)
        let colours = (0..<17 * 11 * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let grey = stride(from: 0, to: colours.count, by: 3).map { index in
            let (red, green, blue) = (
                Int(colours[index]), Int(colours[index + 1]), Int(colours[index + 2])
            )
            return UInt8((19595 * red + 38470 * green + 7471 * blue + 32768) / 65536)
        }
        let expected = try grey.withUnsafeBytes {
            try model.run(
                .pixels(borrowing: $0, width: 17, height: 11, order: .grey)
            ).logits
        }
        let found = try colours.withUnsafeBytes {
            try model.run(.pixels(borrowing: $0, width: 17, height: 11)).logits
        }
        #expect(found == expected)
        let image = try RGBImage(width: 17, height: 11, pixels: colours)
        #expect(try model.run(.image(image)).logits == expected)
        #expect(try model.run(.encoded(image.encodedAsPNG())).logits == expected)
        // By hand: grey, resized, cropped, normalised.
        let prepared = try preparedValues(image, model.description.preprocessing)
        #expect(prepared.count == 64)
        #expect(try model.run(.tensor(prepared)).logits == expected)
        let swapped = try image.grey().resizedAndCenterCropped(shorterSide: 9, width: 8, height: 8)
        #expect(
            prepared
                == stride(from: 0, to: swapped.pixels.count, by: 3).map {
                    (Float(swapped.pixels[$0]) / 255 - 0.5) / 0.5
                })
    }

    /// What the model's document says of resizing decides, in whatever form a picture comes.
    @Test(arguments: Preprocessing.Interpolation.allCases)
    func picturesAreResizedAsTheModelSays(interpolation: Preprocessing.Interpolation) throws {
        let half: [Float] = [0.5, 0.5, 0.5]
        let preprocessing = Preprocessing(
            resize: 9, crop: 8, mean: half, std: half, interpolation: interpolation)
        let model = try Model(
            self.model(channels: 3, preprocessing: preprocessing), options: options)
        var random = SeededRandom(7)
        let pixels = (0..<31 * 23 * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let image = try RGBImage(width: 31, height: 23, pixels: pixels)
        let prepared = try preparedValues(image, preprocessing)
        let expected = try model.run(.tensor(prepared)).logits
        #expect(try model.run(.image(image)).logits == expected)
        #expect(try model.run(.encoded(image.encodedAsPNG())).logits == expected)
        let others = Preprocessing.Interpolation.allCases.filter { $0 != interpolation }
        for other in others {
            let changed = try preparedValues(
                image,
                Preprocessing(resize: 9, crop: 8, mean: half, std: half, interpolation: other))
            #expect(changed != prepared)
        }
    }

    /// Refused before any file is opened, each picture for itself.
    @Test func noPictureHasFourChannels() throws {
        let model = try Model(self.model(channels: 4), options: options)
        var random = SeededRandom(6)
        let tensor = random.floats(4 * 64)
        let results = try model.run([
            .file("/there/is/no/such.jpg"), .tensor(tensor), .encoded([1, 2, 3]),
            .image(RGBImage(width: 1, height: 1, pixels: [1, 2, 3])),
        ])
        for (index, result) in results.enumerated() where index != 1 {
            let error = #expect(throws: OrepaError.self) { try result.get() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("expected a tensor [4, 8, 8], found a picture") == true)
        }
        #expect(try results[1].get().logits == model.run(.tensor(tensor)).logits)
    }

    @Test func meanAndDeviationAreOneForEachChannel() throws {
        for (channels, mean, std, field) in [
            (1, 3, 1, "mean"), (1, 1, 3, "std"), (4, 3, 3, "mean"), (3, 1, 1, "mean"),
            (3, 3, 4, "std"),
        ] {
            let preprocessing = Preprocessing(
                resize: 9, crop: 8, mean: Array(repeating: 0, count: mean),
                std: Array(repeating: 1, count: std))
            let error = #expect(throws: ModelFileError.self) {
                try model(channels: channels, preprocessing: preprocessing)
            }
            guard case .malformed(_, "preprocessing.\(field)", let expected, _) = error else {
                Issue.record("expected \(field), found \(String(describing: error))")
                continue
            }
            #expect(expected.hasPrefix("\(channels) finite number"))
        }
    }

    /// Another input size keeps the proportion, rounded down as the published code does.
    @Test func resizingIsRoundedDown() {
        let published = Preprocessing.imageNet
        for (crop, resize) in [(224, 256), (320, 365), (160, 182), (32, 36), (1, 1), (299, 341)] {
            #expect(published.resize(forCrop: crop) == resize)
        }
        #expect(
            Preprocessing(resize: 1, crop: 224, mean: [], std: []).resize(forCrop: 3) == 1)
    }
}
