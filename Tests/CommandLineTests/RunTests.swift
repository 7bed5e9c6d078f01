import Foundation
import OrepaFiles
import OrepaNetwork
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct RunTests {
    @Test(arguments: [
        ("repvgg-orepa_vgg.pth.tar", "repvgg-orepa_vgg"),
        ("resnet_basic-orepa.pth.tar", "resnet_basic-orepa"),
    ])
    func goldenInputsGiveGoldenLogits(checkpoint: String, name: String) throws {
        let folder = try TemporaryFolder()
        let path = fixture("checkpoints/\(name).golden.safetensors")
        let model = try checkpoint.hasPrefix("repvgg") ? Models.repVGG() : Models.resNet()
        let result = try Program.run([
            "run", model, "--input", path, "--output", folder.file("out"),
        ])
        #expect(result.status == 0)
        #expect(result.errors == "")
        let golden = try SafetensorsFile(FileBytes(mapping: path))
        let expected = golden.elements(of: golden["logits"]!, as: Double.self)
        let output = try SafetensorsFile(FileBytes(mapping: folder.file("out")))
        #expect(output.entries.map(\.name) == ["logits"])
        #expect(output["logits"]?.shape == [2, 10])
        let logits = Tensor(copying: output["logits"]!, of: output).values
        let error = zip(logits, expected).map { abs(Double($0) - $1) }.max()!
        #expect(error <= 1e-5 * expected.map(abs).max()!)
        let piped = try Program.run(
            ["run", model, "--input", "-", "--output", "-", "--threads", "1"],
            input: Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(piped.output == (try Data(contentsOf: URL(fileURLWithPath: folder.file("out")))))
    }

    @Test(arguments: [[0, 3, 64, 64], [3, 3, 1, 1], [1, 3, 33, 97]]) func anySize(shape: [Int])
        throws
    {
        let folder = try TemporaryFolder()
        let input = try write(shape: shape, to: folder.file("in"))
        let result = try Program.run([
            "run", Models.repVGG(), "--input", input, "--output", folder.file("out"),
        ])
        #expect(result.status == 0, "\(result.errors)")
        let output = try SafetensorsFile(FileBytes(mapping: folder.file("out")))
        #expect(output["logits"]?.shape == [shape[0], 10])
    }

    @Test(arguments: [[3, 64, 64], [1, 4, 8, 8], [1, 3, 0, 8]]) func wrongShapes(shape: [Int])
        throws
    {
        let folder = try TemporaryFolder()
        let input = try write(shape: shape, to: folder.file("in"))
        let result = try Program.run([
            "run", Models.repVGG(), "--input", input, "--output", folder.file("out"),
        ])
        #expect(result.status == 65)
        #expect(result.errors.contains("tensor `input`"))
        #expect(folder.names == ["in"])
    }

    @Test func filesThatAreMissingOrWrong() throws {
        let folder = try TemporaryFolder()
        let none = folder.file("none")
        let input = try write(shape: [1, 3, 8, 8], to: folder.file("in"))
        let model = try Models.repVGG()
        #expect(try Program.run(["run", model, "--input", none, "--output", none]).status == 66)
        #expect(try Program.run(["run", none, "--input", input, "--output", none]).status == 66)
        let wrong = try Program.run(["run", model, "--input", model, "--output", none])
        #expect(wrong.status == 65)
        #expect(wrong.errors.contains("expected a tensor `input`"))
        #expect(
            try Program.run(["run", model, "-i", input, "-o", folder.file("a/b")]).status == 73)
        #expect(try Program.run(["run", model, "-i", input, "-o", input]).status == 73)
        #expect(folder.names == ["in"])
    }

    private func write(shape: [Int], to path: String) throws -> String {
        var random = SeededRandom(3)
        let values = random.floats(shape.reduce(1, *))
        try SafetensorsWriter([.init(name: "input", shape: shape, values: values)])
            .write(to: path, overwrite: false)
        return path
    }
}
