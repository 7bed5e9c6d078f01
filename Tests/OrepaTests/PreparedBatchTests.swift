import Dispatch
import Foundation
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import Synchronization
import TestSupport
import Testing

/// Preparing and running as two calls.
@Suite struct PreparedBatchTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    private static func model(
        _ threads: Model.Threads = .own(count: 2), memory: PlanMemory = .fast
    ) throws -> Model {
        var options = Model.Options()
        options.threads = threads
        options.memory = memory
        return try Model(path: modelPath, options: options)
    }

    @Test(arguments: [1, 2, 3], PlanMemory.allCases)
    func batchesGiveTheSameBits(threadCount: Int, memory: PlanMemory) throws {
        let model = try PreparedBatchTests.model(.own(count: threadCount), memory: memory)
        let samples = try sampleImages()
        let outputs = Outputs(features: true, stages: model.stages.map(\.name))
        let alone = try samples.map { try model.run(.file($0), outputs: outputs) }
        let batch = try model.makeBatch(capacity: samples.count + 2)
        for (place, path) in samples.enumerated() {
            #expect(try batch.prepare(.file(path), at: place + 1).warnings == [])
        }
        for places in [1..<samples.count + 1, 1..<2, 3..<6, 4..<4, 2..<samples.count + 1] {
            let expected = Array(alone[(places.lowerBound - 1)..<(places.upperBound - 1)])
            #expect(try batch.run(places: places, outputs: outputs) == expected)
            var logits = [Float](repeating: .nan, count: places.count * model.classCount)
            try logits.withUnsafeMutableBufferPointer {
                try batch.run(places: places, logits: $0)
            }
            #expect(logits == expected.flatMap(\.logits))
        }
        // Another picture in the place of one.
        try batch.prepare(.file(samples[0]), at: 5)
        #expect(try batch.run(places: 5..<6, outputs: outputs) == [alone[0]])
    }

    @Test func answersTellWhatTheFileSays() throws {
        let model = try PreparedBatchTests.model()
        let batch = try model.makeBatch(capacity: 2)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: sampleImages()[0])))
        let cut = Picture.encoded(
            Array(bytes.dropLast(2)) + [UInt8](repeating: 0, count: 100))
        let damage = [ImageWarning.damaged(.jpeg, "no end-of-image marker")]
        #expect(try batch.prepare(.encoded(bytes), at: 0).exifOrientation == nil)
        #expect(try batch.prepare(cut, at: 1).warnings == damage)
        #expect(try batch.run(places: 0..<2).map(\.warnings) == [[], damage])
        let turned = fixture("images/exif-orientation-6.jpg")
        #expect(try batch.prepare(.file(turned), at: 1).exifOrientation == 6)
        #expect(try batch.run(places: 0..<2).map(\.warnings) == [[], []])
    }

    @Test func placesThatHoldNoPictureAreRefused() throws {
        let model = try PreparedBatchTests.model()
        let batch = try model.makeBatch(capacity: 3)
        let sample = Picture.file(try sampleImages()[0])
        func message(_ body: () throws -> Void) -> String? {
            let error = #expect(throws: OrepaError.self) { try body() }
            #expect(error?.code == .invalidArgument)
            return error?.message
        }
        for place in [-1, 3, .max, .min] {
            #expect(
                message { try batch.prepare(sample, at: place) }
                    == "place: expected 0 to 2, found \(place)")
        }
        #expect(message { _ = try batch.run(places: 1..<4) } == "place: expected 0 to 2, found 3")
        #expect(message { _ = try batch.run(places: -2..<1) } == "place: expected 0 to 2, found -2")
        try batch.prepare(sample, at: 0)
        try batch.prepare(sample, at: 1)
        let none = "place 2: expected a prepared picture, found none"
        #expect(message { _ = try batch.run(places: 0..<3) } == none)
        #expect(try batch.run(places: 0..<2).count == 2)
        // What fails leaves nothing.
        #expect(throws: OrepaError.self) { try batch.prepare(.encoded([1, 2]), at: 1) }
        #expect(
            message { _ = try batch.run(places: 0..<2) }
                == "place 1: expected a prepared picture, found none")
        #expect(try batch.run(places: 0..<1).count == 1)
        let stage = Outputs(stages: ["stage9"])
        #expect(
            message { _ = try batch.run(places: 0..<1, outputs: stage) }?.contains("stage9") == true
        )
        var logits = [Float](repeating: 0, count: model.classCount + 1)
        #expect(
            message {
                try logits.withUnsafeMutableBufferPointer {
                    try batch.run(places: 0..<1, logits: $0)
                }
            }?.hasPrefix("logits: expected [1, classes]") == true)
        for capacity in [0, -1, Int(Int32.max) + 1] {
            #expect(
                message { _ = try model.makeBatch(capacity: capacity) }?.contains("\(capacity)")
                    == true)
        }
    }

    @Test func limitsEndPreparingAndRunning() throws {
        let model = try PreparedBatchTests.model()
        let batch = try model.makeBatch(capacity: 1)
        let sample = Picture.file(try sampleImages()[0])
        let late = CallLimits(deadline: .now)
        #expect(throws: OrepaError(.deadlineExceeded, deadlineMessage)) {
            try batch.prepare(sample, at: 0, limits: late)
        }
        var own = sample
        own.limits = late
        #expect(throws: OrepaError(.deadlineExceeded, deadlineMessage)) {
            try batch.prepare(own, at: 0)
        }
        try batch.prepare(sample, at: 0)
        #expect(throws: OrepaError(.deadlineExceeded, deadlineMessage)) {
            _ = try batch.run(places: 0..<1, limits: late)
        }
        // It is still there.
        #expect(try batch.run(places: 0..<1) == [model.run(sample)])
    }

    private let deadlineMessage = PlanError.deadlineExceeded.description

    /// The host's loop, which runs while the network does, tries to use the same places.
    @Test func aPlaceThatRunsIsNotChanged() throws {
        let found = Mutex<[String]>([])
        let hook = Mutex<(@Sendable () -> Void)?>(nil)
        let model = try PreparedBatchTests.model(
            .parallelFor(
                ParallelFor(threadCount: 2) { count, turn in
                    hook.withLock { hook in
                        defer { hook = nil }
                        return hook
                    }?()
                    for index in 0..<count { turn(index) }
                }))
        let samples = try sampleImages()
        let batch = try model.makeBatch(capacity: 2)
        for place in 0..<2 { try batch.prepare(.file(samples[place]), at: place) }
        let expected = try batch.run(places: 0..<1)
        hook.withLock {
            $0 = {
                for body in [
                    { try batch.prepare(.file(samples[1]), at: 0) },
                    { _ = try batch.run(places: 0..<1) },
                ] as [() throws -> Void] {
                    do {
                        try body()
                        found.withLock { $0.append("done") }
                    } catch { found.withLock { $0.append("\(error)") } }
                }
                // Another place is free.
                do { try batch.prepare(.file(samples[0]), at: 1) } catch {
                    found.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(try batch.run(places: 0..<1) == expected)
        #expect(
            found.withLock { $0 } == [
                "place 0: expected a place that no call uses, found one that is being run",
                "place 0: expected a prepared picture, found one that is being run",
            ])
        #expect(try batch.run(places: 1..<2) == expected)
    }

    /// Some threads prepare while others run; each place has its picture's bits. ThreadSanitizer runs this too.
    @Test func threadsShareABatch() throws {
        let model = try PreparedBatchTests.model()
        let samples = try sampleImages()
        let alone = try samples.map { try model.run(.file($0)) }
        let batch = try model.makeBatch(capacity: 8)
        let differences = Atomic<Int>(0)
        let answers = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in 0..<6 {
                let first = (thread * 7 + round * 3) % samples.count
                let second = (first + 1) % samples.count
                do {
                    try batch.prepare(.file(samples[first]), at: 2 * thread)
                    try batch.prepare(.file(samples[second]), at: 2 * thread + 1)
                    let found = try batch.run(places: 2 * thread..<2 * thread + 2)
                    if found != [alone[first], alone[second]] {
                        differences.add(1, ordering: .relaxed)
                    }
                    answers.add(found.count, ordering: .relaxed)
                } catch { differences.add(1, ordering: .relaxed) }
            }
        }
        #expect(differences.load(ordering: .relaxed) == 0)
        #expect(answers.load(ordering: .relaxed) == 48)
    }

    /// A network whose first layer reads blocks of 16 channels, of which the picture fills three or one.
    @Test(arguments: [1, 3]) func picturesGoIntoBlocks(channels: Int) throws {
        let graph = try Graph(
            inputChannels: channels,
            nodes: [
                Node(
                    name: "stage0", operation: .maxPool(MaxPool(kernel: 3, stride: 2, padding: 1)),
                    inputs: [Graph.inputName]),
                Node(name: "pool", operation: .globalAveragePool, inputs: ["stage0"]),
                Node(
                    name: "linear",
                    operation: .linear(
                        Linear(parameters: "linear", inputFeatures: channels, outputFeatures: 5)),
                    inputs: ["pool"]),
            ])
        var random = SeededRandom(8)
        var tensors: [ByteName: Tensor] = [:]
        for (name, shape) in try graph.tensorShapes() {
            tensors[ByteName(name)] = Tensor(
                shape: shape, values: random.floats(shape.reduce(1, *)))
        }
        let half = [Float](repeating: 0.5, count: channels)
        let file = try ModelFile(
            network: Network(graph: graph, tensors: tensors),
            description: ModelDescription(
                family: "RepVGG", blocks: [:],
                preprocessing: Preprocessing(resize: 20, crop: 17, mean: half, std: half),
                tool: "test"))
        let pool = WorkerPool(threadCount: 1)
        let model = try Model(file, options: Model.Options())
        let image = try ImageDecoder.decode(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: sampleImages()[0])))
        ).image
        let values = try preparedValues(image, file.description.preprocessing)
        let expected = try PlanContext(Plan(file, pool: pool), pool: pool).run(values, count: 1)
        #expect(try model.run(.image(image)).logits == expected)
        #expect(try model.run(.tensor(values)).logits == expected)
    }
}
