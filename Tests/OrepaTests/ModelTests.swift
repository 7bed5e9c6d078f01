import Foundation
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct ModelTests {
    static func defaultModel() throws -> ModelFile {
        try ModelFile(path: repositoryFile("models/fashion-mnist-repvgg/model.safetensors"))
    }

    @Test func namesABoot() throws {
        let path = repositoryFile("models/fashion-mnist-repvgg/samples/ankle-boot.jpg")
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        let model = try Model(ModelTests.defaultModel())
        let predictions = try model.classify(.encoded(bytes))
        #expect(predictions.count == 5)
        #expect(predictions[0].label == "Ankle boot")
        #expect(predictions[0].index == 9)
        #expect(zip(predictions, predictions.dropFirst()).allSatisfy { $0.logit >= $1.logit })
    }

    /// 500 test images: the same class as PyTorch's unfused network gives, image by image.
    @Test func agreesWithTheUnfusedNetworkOnFiveHundredImages() throws {
        let file = try SafetensorsFile(
            FileBytes(mapping: fixture("fashion-mnist/images.safetensors")))
        let images = file.elements(of: file["images"]!, as: UInt8.self)
        let reference = file.elements(of: file["reference_top1"]!, as: Int64.self)
        let logits = file.elements(of: file["reference_logits"]!, as: Double.self)
        let labels = file.elements(of: file["labels"]!, as: Int64.self)
        let model = try Model(ModelTests.defaultModel())
        var correct = 0
        for index in 0..<500 {
            let pixels = images[index * 784..<(index + 1) * 784].flatMap { [$0, $0, $0] }
            let image = try RGBImage(width: 28, height: 28, pixels: pixels)
            let scores = try model.run(.image(image)).scores
            let expected = logits[index * 10..<(index + 1) * 10]
            let largest = expected.map(abs).max()!
            for (found, wanted) in zip(scores.logits, expected) {
                #expect(abs(Double(found) - wanted) <= 1e-5 * largest)
            }
            let top = scores.top(1, labels: nil)[0].index
            #expect(top == Int(reference[index]))
            if top == Int(labels[index]) {
                correct += 1
            }
        }
        #expect(correct >= 450)
    }

    @Test func probabilitiesAreSoftmax() {
        let scores = Scores(logits: [1, 3, 2, 3])
        let probabilities = scores.probabilities
        let sum = (exp(1.0) + 2 * exp(3.0) + exp(2.0))
        for (found, logit) in zip(probabilities, scores.logits) {
            #expect(abs(Double(found) - exp(Double(logit)) / sum) < 1e-7)
        }
        #expect(scores.top(9, labels: ["a", "b", "c", "d"]).map(\.label) == ["b", "d", "c", "a"])
        #expect(Scores(logits: [1000, -1000]).probabilities == [1, 0])
        #expect(!Scores(logits: [.nan, 1]).areFinite)
        #expect(scores.top(-1, labels: nil).isEmpty)
        #expect(scores.top(2, labels: ["a", "b"]).map(\.label) == ["b", nil])
    }

    @Test(arguments: [
        (Preprocessing.Interpolation.bilinear, ResamplingFilter.bilinear), (.bicubic, .bicubic),
        (.lanczos, .lanczos), (.box, .box), (.hamming, .hamming),
    ]) func preparingEqualsTheStepsOneByOne(
        interpolation: Preprocessing.Interpolation, filter: ResamplingFilter
    ) throws {
        var random = SeededRandom(5)
        let pixels = (0..<3 * 90 * 70).map { _ in UInt8.random(in: 0...255, using: &random) }
        let image = try RGBImage(width: 90, height: 70, pixels: pixels)
        let preprocessing = Preprocessing(
            resize: 40, crop: 32, mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7],
            interpolation: interpolation)
        let steps = try image.resized(shorterSide: 40, filter: filter)
            .centerCropped(width: 32, height: 32)
        let values = try preparedValues(image, preprocessing)
        #expect(values.count == 3 * 32 * 32)
        for index in values.indices {
            let (channel, pixel) = (index / 1024, index % 1024)
            let byte = Float(steps.pixels[pixel * 3 + channel])
            let expected = (byte / 255 - preprocessing.mean[channel]) / preprocessing.std[channel]
            #expect(values[index] == expected)
        }
    }
}
