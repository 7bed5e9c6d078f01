import Foundation
import OrepaFiles
import OrepaNetwork
import TestSupport
import Testing

/// Many pictures, which run some at a time while the next ones are prepared.
@Suite struct BatchTests {
    /// Answers, failures and files that are no pictures in any order: each as it is alone, in the order of the names.
    @Test(arguments: ["1", "2", "3"]) func eachPictureIsAnsweredAsAlone(threads: String) throws {
        let folder = try TemporaryFolder()
        let samples = try FileManager.default.contentsOfDirectory(
            atPath: repositoryFile("models/fashion-mnist-repvgg/samples")
        ).sorted().map { repositoryFile("models/fashion-mnist-repvgg/samples/\($0)") }
        let whole = try Data(contentsOf: URL(fileURLWithPath: boot))
        var random = SeededRandom(UInt64(threads)!)
        var expected: [String] = []
        var skipped = 0
        for index in 0..<40 {
            let path = folder.file("\(index + 100).jpg")
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                try Data("no picture \(index)".utf8).write(to: URL(fileURLWithPath: path))
                skipped += 1
                continue
            case 1: try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
            default:
                let sample = samples[Int.random(in: 0..<samples.count, using: &random)]
                try FileManager.default.copyItem(atPath: sample, toPath: path)
            }
            let alone = try Program.run([path, "--format", "jsonl", "--output-type", "logit"])
            #expect(alone.lines.count == 1)
            expected += alone.lines
        }
        let together = try Program.run([
            folder.path, "--format", "jsonl", "--output-type", "logit", "--threads", threads,
        ])
        #expect(together.lines == expected)
        #expect(together.status == 1)
        #expect(together.errors.contains("skipped \(skipped) files that are no image by content"))
        #expect(skipped > 2 && expected.count(where: { $0.contains("error") }) > 2)
    }

    /// The network does not wait for a picture that does not come when others are there.
    @Test func aPipeDoesNotHoldBackWhatIsBeforeIt() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        let script = """
            import select, subprocess, sys
            program, picture, pipe = sys.argv[1:]
            process = subprocess.Popen(
                [program, picture, picture, pipe, picture, "--format", "jsonl", "--threads", "2"],
                stdout=subprocess.PIPE, bufsize=0)
            lines = b""
            while lines.count(b"\\n") < 2:
                ready, _, _ = select.select([process.stdout], [], [], 60)
                assert ready, "nothing came"
                lines += process.stdout.read(1 << 16)
            assert lines.count(b"\\n") == 2, lines
            with open(pipe, "wb") as end:
                end.write(open(picture, "rb").read())
            lines += process.stdout.read()
            assert lines.count(b"predictions") == 4, lines
            print(process.wait())
            """
        let result = try Program.run(
            ["-c", script, Program.path, boot, pipe], executable: "/usr/bin/python3")
        #expect(result.text == "0\n", "\(result.errors)")
    }

    /// The sentence is the library's.
    @Test(arguments: [1, 3]) func logitsThatAreNotFiniteFailAlone(count: Int) throws {
        let graph = try Graph(
            inputChannels: 3,
            nodes: [
                Node(name: "pool", operation: .globalAveragePool, inputs: [Graph.inputName]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: 3, outputFeatures: 2)),
                    inputs: ["pool"]),
            ])
        let largest = Float.greatestFiniteMagnitude
        let network = try Network(
            graph: graph,
            tensors: [
                "linear.weight": Tensor(
                    shape: [2, 3], values: .init(repeating: largest, count: 6)),
                "linear.bias": Tensor(shape: [2], values: [largest, largest]),
            ])
        let folder = try TemporaryFolder()
        let model = folder.file("model.safetensors")
        try ModelFile(
            network: network,
            description: ModelDescription(
                family: "RepVGG", blocks: [:],
                preprocessing: Preprocessing(
                    resize: 8, crop: 8, mean: [0, 0, 0], std: [0.01, 0.01, 0.01]), tool: "test")
        ).write(to: model, overwrite: false)
        let result = try Program.run(
            ["--model", model, "--format", "csv"] + Array(repeating: boot, count: count))
        #expect(result.status == 1)
        #expect(result.lines.count == count + 1)
        for line in result.lines.dropFirst() {
            #expect(
                line == "\(boot),,,,,\"the network's output: expected finite logits, found inf; "
                    + "the input or the model is damaged\"")
        }
    }
}
