import CHostCalls
import Orepa
import OrepaFiles
import OrepaImage
import OrepaJSON
import TestSupport
import Testing

/// A host may round in any way and let every exception trap: what the library says has the same bits, and the host's
/// settings and flags are as before.
@Suite struct RoundingTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    /// A way to round, from 0 to 3, and whether exceptions trap.
    struct Host: CustomTestStringConvertible, Sendable {
        let mode: Int32
        let traps: Bool

        var testDescription: String { "mode \(mode), \(traps ? "with" : "without") traps" }

        static let all = (0..<4).flatMap { mode in
            [false, true].map { Host(mode: Int32(mode), traps: $0) }
        }

        /// Calls `body` as that host and gives what it gives.
        func callAFunction<Result>(_ body: () throws -> Result) throws -> Result {
            orepa_host_set_environment(mode, traps)
            let before = orepa_host_get_environment()
            let result = Swift.Result { try body() }
            let after = orepa_host_get_environment()
            orepa_host_reset_environment()
            #expect(after.rounding == before.rounding)
            #expect(after.traps == before.traps)
            #expect(after.flags == before.flags)
            #expect(after.vector_control == before.vector_control)
            return try result.get()
        }
    }

    @Test(arguments: Host.all) func modelsAnswerInTheSameBits(host: Host) throws {
        let path = RoundingTests.modelPath
        let sample = try sampleImages()[0]
        let usual = try Model(path: path)
        let expected = try usual.run(.file(sample), outputs: Outputs(features: true))
        for count in [1, 2] {
            var options = Model.Options()
            options.threads = .own(count: count)
            // The probe, which compares bits, is run.
            let model = try host.callAFunction { try Model(path: path, options: options) }
            let answer = try host.callAFunction {
                try model.run(.file(sample), outputs: Outputs(features: true))
            }
            #expect(answer == expected)
            let top = try host.callAFunction { try answer.top(10) }
            #expect(try top == expected.top(10))
            let probabilities = try host.callAFunction { answer.probabilities }
            #expect(probabilities == expected.probabilities)
            let batch = try host.callAFunction {
                try model.run([Picture](repeating: .file(sample), count: 5))
            }
            #expect(
                try batch.map { try $0.get().logits }
                    == [[Float]](
                        repeating: expected.logits, count: 5))
        }
    }

    @Test(arguments: Host.all) func anAnswerThatIsNoNumberIsAnErrorStill(host: Host) throws {
        let scores = Scores(logits: [1, .nan, .infinity])
        #expect(try !host.callAFunction { scores.areFinite })
        #expect(try host.callAFunction { scores.probabilities.map(\.bitPattern) }.count == 3)
    }

    @Test(arguments: Host.all) func picturesAreDecodedAndResizedInTheSameBits(host: Host) throws {
        let bytes = try FileBytes(reading: sampleImages()[1]).withBytes { Array($0) }
        let image = try ImageDecoder.decode(bytes).image
        #expect(try host.callAFunction { try ImageDecoder.decode(bytes).image } == image)
        #expect(
            try host.callAFunction { try image.resized(shorterSide: 19) }
                == image.resized(shorterSide: 19))
        let (mean, std): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        #expect(
            try host.callAFunction { try image.normalized(mean: mean, std: std) }
                == image.normalized(mean: mean, std: std))
    }

    @Test(arguments: Host.all) func numbersAreReadAndPrintedInTheSameBits(host: Host) throws {
        let texts = ["0.1", "1e-3", "3.4028235e38", "1.00000005960464478", "16777217", "1e-45"]
        for text in texts {
            let number = try JSONValue(parsing: "[\(text)]")
            guard case .array(let values) = number, case .number(let value) = values[0] else {
                Issue.record("expected a number")
                return
            }
            let float = try host.callAFunction { value.floatingPoint(Float.self) }
            #expect(float?.bitPattern == Float(text)?.bitPattern)
            let double = try host.callAFunction { value.floatingPoint(Double.self) }
            #expect(double?.bitPattern == Double(text)?.bitPattern)
            let printed = try host.callAFunction { JSONNumber(double!)?.text }
            #expect(printed == JSONNumber(Double(text)!)?.text)
        }
    }
}
