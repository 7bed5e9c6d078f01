import Foundation
import OrepaImage
import TestSupport
import Testing

/// What a program that embeds the library and nothing else is like, seen from outside.
@Suite struct EmbeddingTests {
    /// Folder of the built programs, where the one that runs the tests lies.
    private static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    private static func bytes(of product: String) throws -> Data {
        try Data(contentsOf: products.appendingPathComponent(product))
    }

    /// Module names are part of every Swift symbol, library names of the dynamic section.
    @Test(arguments: [
        "OrepaCheckpoint", "OrepaTraining", "OrepaFold", "OrepaConversion", "libcrypto.so",
    ])
    func theLibraryLinksNoConversionCode(name: String) throws {
        #expect(try EmbeddingTests.bytes(of: "EmbeddingProbe").range(of: Data(name.utf8)) == nil)
        // The command line does link it, so that the search is known to find it where it is.
        #expect(try EmbeddingTests.bytes(of: "orepa-infer").range(of: Data(name.utf8)) != nil)
    }

    /// Neither as a library nor linked in. The program that runs the tests links it, so that the search is known to
    /// find it.
    @Test func theLibraryLinksNoFoundation() throws {
        let name = Data("FoundationEssentials".utf8)
        #expect(try EmbeddingTests.bytes(of: "EmbeddingProbe").range(of: name) == nil)
        let tests = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"))
        #expect(tests.range(of: name) != nil)
    }

    @Test func theProbeLinksTheLibrary() throws {
        for name in ["OrepaPlan", "OrepaNetwork", "OrepaSafetensors"] {
            #expect(
                try EmbeddingTests.bytes(of: "EmbeddingProbe").range(of: Data(name.utf8)) != nil)
        }
    }

    @Test func inferenceAllocatesNothingAndWorkersSleep() throws {
        let values = try EmbeddingTests.probe([])
        for memory in ["fast", "small", "batch"] {
            for count in [1, 3] { #expect(values["allocations_\(memory)_\(count)"] == 0) }
        }
        for count in [1, 3] { #expect(values["allocations_into_\(count)"] == 0) }
        // Under 1 % of a processor in 5 seconds.
        #expect((values["idle_processor_seconds"] ?? 1) < 0.05)
        #expect(values["logits"] == 10)
    }

    @Test func aForkedProcessClassifiesWithWorkersOfItsOwn() throws {
        let values = try EmbeddingTests.probe(["fork"])
        #expect(values["children"] == 20)
        #expect(values["children_that_passed"] == 20)
    }

    /// Four times as many batches in flight as there are processors. The figures to reach are 50 ms; other tests run
    /// meanwhile.
    @Test func asyncCallsLeaveTheHostItsThreads() throws {
        let values = try EmbeddingTests.probe(["async"])
        #expect((values["calls"] ?? 0) > 0)
        for name: Substring in [
            "sleep_late_p99", "deadline_late", "task_late", "cancellation_late",
        ] {
            #expect((values[name] ?? .infinity) < 250, "\(name)")
        }
    }

    /// From where the program starts up to where all works: each ends in an answer or a status.
    @Test func memoryRefusedAnywhereIsAStatus() throws {
        let values = try withTemporaryFolder { folder in
            let png = folder + "/large.png"
            let image = try RGBImage(
                width: 1500, height: 1000, pixels: (0..<4_500_000).map { UInt8($0 * 7 & 0xff) })
            try Data(image.encodedAsPNG()).write(to: URL(fileURLWithPath: png))
            return try EmbeddingTests.probe(
                ["limits", "0", "180000", "1500", sampleImages()[0], png])
        }
        #expect(values["signals"] == 0)
        #expect(values["wrong"] == 0)
        // The sweep reaches both ends.
        #expect((values["refused"] ?? 0) > 5)
        #expect((values["answered"] ?? 0) > 5)
    }

    private static let bag = repositoryFile("models/fashion-mnist-repvgg/samples/bag.jpg")

    /// What `docs/hosts.md` says of the stack, with room for what a thread keeps there.
    @Test func aCallNeedsLittleStack() throws {
        let values = try EmbeddingTests.probe(["stack", "64", EmbeddingTests.bag])
        #expect(values["passed"] == 1)
    }

    @Test func aThreadThatIsCancelledLeavesAllInOrder() throws {
        let values = try EmbeddingTests.probe(["cancel", "30", EmbeddingTests.bag])
        #expect(values["passed"] == 1)
    }

    /// Threads that are refused, and kernels below the machine's.
    @Test func theLogIsTold() throws {
        let output = try EmbeddingTests.output(["log"], environment: ["OREPA_ISA": "portable"])
        let lines = output.split(separator: "\n")
        let threads = try #require(lines.compactMap { $0.wholeMatch(of: /threads (\d+)/) }.first)
        let started = try #require(Int(threads.1))
        #expect(1..<64 ~= started)
        let path = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")
        #expect(
            lines.contains(
                "warning \(path): expected 64 threads, the system refused \(64 - started) of them"))
        let best = try #require(lines.last?.split(separator: " ").last)
        if best != "portable" {
            #expect(
                lines.contains(
                    "warning \(path): expected kernels for \(best), which this machine has, found those "
                        + "for portable, since OREPA_ISA asks for them"))
        }
    }

    /// What the probe prints, by name.
    private static func probe(_ arguments: [String]) throws -> [Substring: Double] {
        var values: [Substring: Double] = [:]
        for line in try output(arguments).split(separator: "\n") {
            let fields = line.split(separator: " ")
            values[fields[0]] = Double(fields[1])
        }
        return values
    }

    private static func output(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        process.executableURL = EmbeddingTests.products.appendingPathComponent("EmbeddingProbe")
        process.arguments =
            [repositoryFile("models/fashion-mnist-repvgg/model.safetensors")] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return output
    }
}
