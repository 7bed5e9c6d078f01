import Foundation
import Orepa
import OrepaFiles
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import Synchronization
import TestSupport
import Testing

/// What a model keeps of its file, and how much memory it takes.
@Suite struct ModelMemoryTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    @Test(arguments: [PlanMemory.fast, .small], [false, true])
    func whatHappensToTheFileLaterDoesNotMatter(memory: PlanMemory, isPacked: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        var file = try ModelFile(path: ModelMemoryTests.modelPath)
        if isPacked { try file.pack(for: .best, pool: WorkerPool(threadCount: 2)) }
        try file.write(to: path, overwrite: false)
        var options = Model.Options()
        options.memory = memory
        let model = try Model(path: path, options: options)
        let pictures = try sampleImages().map { Picture.file($0) }
        let expected = try Model(path: ModelMemoryTests.modelPath).run(pictures)
        // Overwritten where it is, then cut: a mapped file would change the answers, then end the process.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.write(contentsOf: Data(repeating: 0x7f, count: 100_000))
        #expect(try model.run(pictures) == expected)
        try handle.truncate(atOffset: 10)
        #expect(try model.run(pictures) == expected)
        model.trim()
        #expect(try model.run(pictures) == expected)
    }

    @Test func packedWeightsOfAMappedFileAreUsedInPlace() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        var file = try ModelFile(path: ModelMemoryTests.modelPath)
        try file.pack(for: .best, pool: WorkerPool(threadCount: 2))
        try file.write(to: path, overwrite: false)
        let messages = Messages()
        var options = Model.Options()
        options.memory = .mapped
        options.trustsPackedWeights = true
        options.log = { messages.add($0) }
        let mapped = try Model(path: path, options: options)
        #expect(mapped.memory == .mapped)
        #expect(mapped.memoryRequirement().weights == 0)
        #expect(messages.all.map(\.level) == [.info])
        let pictures = try sampleImages().map { Picture.file($0) }
        let plain = try Model(path: ModelMemoryTests.modelPath, options: options)
        #expect(try mapped.run(pictures) == plain.run(pictures))
        // This one has nothing packed: it says that it does otherwise than asked.
        #expect(plain.memory == .fast)
        #expect(messages.all.map(\.level) == [.info, .warning, .info])
        // Without trust the file's are packed anew, and that is said.
        options.trustsPackedWeights = false
        let untrusted = try Model(path: path, options: options)
        #expect(untrusted.memory == .fast)
        #expect(try untrusted.run(pictures) == plain.run(pictures))
        #expect(messages.all.suffix(2).map(\.level) == [.warning, .info])
        #expect(messages.all.suffix(2).first?.text.contains("trusted") == true)
    }

    /// Packed weights that are another network's, with the probe that they give: a file that means to deceive.
    @Test(arguments: [PlanMemory.fast, .mapped])
    func packedWeightsOfADeceiverAreNotUsed(memory: PlanMemory) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        let pool = WorkerPool(threadCount: 1)
        var file = try ModelFile(path: ModelMemoryTests.modelPath)
        try file.pack(for: .current(), pool: pool)
        let (name, tensor) = try #require(file.packed.first)
        var values = tensor.values
        // The linear layer's weights for two classes change places.
        for start in stride(from: values.count - 128 * 16, to: values.count, by: 16) {
            values.swapAt(start + 8, start + 9)
        }
        file.packed[name] = Tensor(shape: tensor.shape, values: values)
        try file.write(to: path, overwrite: false)
        var options = Model.Options()
        options.memory = memory
        let picture = Picture.file(try sampleImages()[0])
        let expected = try Model(path: ModelMemoryTests.modelPath).run(picture)
        #expect(try Model(path: path, options: options).run(picture) == expected)
        options.trustsPackedWeights = true
        // The probe tells, since this file still has the one of the right weights.
        #expect(throws: OrepaError.self) { try Model(path: path, options: options) }
        options.checksProbe = false
        #expect(try Model(path: path, options: options).run(picture) != expected)
    }

    private final class Messages: Sendable {
        private let messages = Mutex<[LogMessage]>([])
        var all: [LogMessage] { messages.withLock { $0 } }
        func add(_ message: LogMessage) { messages.withLock { $0.append(message) } }
    }

    @Test func aModelHasABudget() throws {
        var options = Model.Options()
        options.budget.maximumMultiplyAdds = 1_000_000
        let costly = #expect(throws: OrepaError.self) {
            try Model(path: ModelMemoryTests.modelPath, options: options)
        }
        #expect(costly?.code == .invalidModel)
        #expect(costly?.message.contains("expected at most 1000000 multiply-adds") == true)
        options.budget = ModelBudget(maximumMultiplyAdds: .max, maximumMemory: 8_000_000)
        // No model takes more than it says; no call gives more than that.
        let model = try Model(path: ModelMemoryTests.modelPath, options: options)
        let pictures = [Picture](
            repeating: .file(try sampleImages()[0]), count: 8_000_000 / (4 * model.classCount) + 1)
        let large = #expect(throws: OrepaError.self) { try model.run(pictures) }
        #expect(large?.code == .invalidArgument)
        #expect(
            large?.message.hasPrefix("pictures: expected at most 8000000 bytes of answers") == true)
        options.inputSize = (512, 512)
        let larger = #expect(throws: OrepaError.self) {
            try Model(path: ModelMemoryTests.modelPath, options: options)
        }
        #expect(larger?.message.contains("expected at most 8000000 bytes of weights") == true)
    }

    @Test func loadingEndsEarly() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        for (limits, code) in [
            (CallLimits(deadline: .now), OrepaError.Code.deadlineExceeded),
            (CallLimits(cancellation: cancellation), .cancelled),
        ] {
            for memory in PlanMemory.allCases {
                var options = Model.Options()
                options.memory = memory
                let error = #expect(throws: OrepaError.self) {
                    try Model(
                        path: ModelMemoryTests.modelPath, options: options, limits: limits)
                }
                #expect(error?.code == code)
            }
        }
    }

    /// While the file is read, or its bytes are copied, limits are looked at.
    @Test(arguments: [1, 20]) func loadingEndsWhileAFileIsRead(milliseconds: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("large.safetensors")
        try Data([8, 0, 0, 0]).write(to: URL(fileURLWithPath: path))
        truncate(path, 3 << 29)
        let mapped = try FileBytes(mapping: path)
        let loads: [(CallLimits) throws -> Model] = [
            { try Model(path: path, limits: $0) },
            { limits in
                try mapped.withBytes { try Model(bytes: $0, limits: limits) }
            },
        ]
        for load in loads {
            let deadline = ContinuousClock.now + .milliseconds(milliseconds)
            let error = #expect(throws: OrepaError.self) {
                _ = try load(CallLimits(deadline: deadline))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(ContinuousClock.now - deadline < .milliseconds(100))
        }
    }

    @Test func loadingFromBytesGivesTheSameBits() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: ModelMemoryTests.modelPath))
        let pictures = try sampleImages().map { Picture.file($0) }
        #expect(
            try Model(bytes: bytes).run(pictures)
                == Model(path: ModelMemoryTests.modelPath).run(pictures))
        let error = #expect(throws: OrepaError.self) {
            try Model(bytes: bytes.prefix(1000), name: "half a file")
        }
        #expect(error?.code == .invalidModel)
        #expect(error?.message.hasPrefix("half a file: ") == true)
    }

    @Test func badFilesAreRefused() throws {
        func code(_ path: String, _ options: Model.Options = .init()) -> OrepaError.Code? {
            #expect(throws: OrepaError.self) { try Model(path: path, options: options) }?.code
        }
        #expect(code("missing.safetensors") == .notFound)
        #expect(code("/") == .notReadable)
        #expect(code(#filePath) == .invalidModel)
        for size in [(0, 8), (8, -1), (Int.max, 8), (8, Int.min)] {
            var options = Model.Options()
            options.inputSize = size
            #expect(code(ModelMemoryTests.modelPath, options) == .invalidArgument)
        }
    }

    /// A file that is larger than what any machine can hold takes a moment to make: it has a size and nothing in it.
    @Test func aFileThatMemoryDoesNotHoldIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("large.safetensors")
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let size: UInt64 = 1 << 43
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: size)
        let refused = #expect(throws: OrepaError.self) { try Model(path: path) }
        #expect(refused?.code == .notReadable)
        #expect(
            refused?.message.hasSuffix("expected at most \(8 << 30) bytes, found \(size)") == true)
        var options = Model.Options()
        options.budget.maximumMemory = .max
        let error = #expect(throws: OrepaError.self) { try Model(path: path, options: options) }
        #expect(error?.code == .outOfMemory)
        #expect(
            error?.message == "\(path): expected \(size) bytes of memory, the system refused them")
        // A file that is no picture by content is called so, of whatever size.
        let model = try Model(path: ModelMemoryTests.modelPath)
        let other = #expect(throws: OrepaError.self) { try model.run(.file(path)) }
        #expect(other?.code == .invalidImage)
        #expect(other?.message.contains("expected JPEG or PNG") == true)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.write(contentsOf: Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        let picture = #expect(throws: OrepaError.self) { try model.run(.file(path)) }
        #expect(picture?.code == .notReadable)
        #expect(picture?.message.hasSuffix("found \(size)") == true)
    }

    /// Resident memory before, while idle contexts are kept and after they are gone.
    @Test func memoryIsAsAnnounced() throws {
        var options = Model.Options()
        options.threads = .own(count: 2)
        options.inputSize = (224, 224)
        let model = try Model(path: ModelMemoryTests.modelPath, options: options)
        let pool = WorkerPool(threadCount: 2)
        let plan = try Plan(
            ModelFile(path: ModelMemoryTests.modelPath), height: 224, width: 224, pool: pool)
        for batch in [1, 4] {
            let context = try PlanContext(plan, batch: batch, pool: pool)
            let requirement = model.memoryRequirement(batch: batch)
            let input = PlanInput.byteCount(plan, capacity: batch)
            #expect(input >= batch * model.inputShape.elementCount * MemoryLayout<Float>.size)
            #expect(requirement.context == context.allocatedByteCount + input)
            #expect(requirement.weights == plan.allocatedByteCount)
        }
        let tensor = [Float](repeating: 0.25, count: 4 * model.inputShape.elementCount)
        var logits = [Float](repeating: 0, count: 4 * model.classCount)
        func run() throws {
            try tensor.withUnsafeBufferPointer { tensor in
                try logits.withUnsafeMutableBufferPointer {
                    try model.run(tensor: tensor, count: 4, logits: $0)
                }
            }
        }
        // Other tests run meanwhile, and take memory.
        var given = Int.min
        for _ in 0..<10 {
            try run()
            let kept = try ModelMemoryTests.residentByteCount()
            model.trim()
            given = max(given, kept - (try ModelMemoryTests.residentByteCount()))
        }
        #expect(given > model.memoryRequirement(batch: 4).context / 2)
        try run()
    }

    private static func residentByteCount() throws -> Int {
        let statm = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return Int(statm.split(separator: " ")[1])! * 4096
    }

    @Test func aModelSaysWhatItIs() throws {
        let model = try Model(path: ModelMemoryTests.modelPath)
        #expect(model.classCount == 10)
        #expect(model.labels?.count == 10)
        #expect(model.threadCount == availableProcessorCount())
        #expect(model.inputShape == Shape(channels: 3, height: 56, width: 56))
        #expect(model.featureCount == 128)
    }
}
