import Orepa
import OrepaImage
import TestSupport
import Testing

/// Calls that write into the caller's memory.
@Suite struct OutputBufferTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    /// Memory for all that a call gives, between marks that have to stay.
    private final class Room {
        private let memory: [UnsafeMutableBufferPointer<Float>]
        let buffers: OutputBuffers
        private static let mark: Float = 12345

        /// - Parameter names: The stages that are wanted.
        init(_ model: Model, count: Int, stages names: [String]) {
            var memory: [UnsafeMutableBufferPointer<Float>] = []
            func buffer(_ size: Int) -> UnsafeMutableBufferPointer<Float> {
                let all = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * size + 2)
                all.initialize(repeating: Room.mark)
                memory.append(all)
                return UnsafeMutableBufferPointer(rebasing: all[1..<all.count - 1])
            }
            buffers = OutputBuffers(
                logits: buffer(model.classCount), features: buffer(model.featureCount),
                stages: names.map { name in
                    let stage = model.stages.first { $0.name == name }!
                    return StageBuffer(name: name, values: buffer(stage.shape.elementCount))
                })
            self.memory = memory
        }

        deinit { for buffer in memory { buffer.deallocate() } }

        var marksStay: Bool {
            memory.allSatisfy { $0.first == Room.mark && $0.last == Room.mark }
        }

        /// The bits of what belongs to the picture `index` of `count`: logits, features, stages.
        func bits(_ index: Int, of count: Int) -> [[UInt32]] {
            ([buffers.logits, buffers.features!] + buffers.stages.map(\.values)).map { values in
                let size = values.count / count
                return values[index * size..<(index + 1) * size].map(\.bitPattern)
            }
        }
    }

    private static func bits(_ answer: Answer) -> [[UInt32]] {
        ([answer.logits, answer.features!] + answer.featureMaps.map(\.values)).map {
            $0.map(\.bitPattern)
        }
    }

    private static let stages = ["stage3", "stage0", "stage4"]
    private static let outputs = Outputs(features: true, stages: stages)

    @Test(arguments: [1, 2, 5, 9]) func tensorsGiveTheValuesOfRun(count: Int) throws {
        let model = try Model(path: OutputBufferTests.modelPath)
        let size = model.inputShape.elementCount
        var random = SeededRandom(UInt64(count))
        let input = random.floats(count * size)
        let pictures = (0..<count).map { Picture.tensor(Array(input[$0 * size..<($0 + 1) * size])) }
        let expected = try model.run(pictures, outputs: OutputBufferTests.outputs)
        let room = Room(model, count: count, stages: OutputBufferTests.stages)
        try input.withUnsafeBufferPointer {
            try model.run(tensor: $0, count: count, into: room.buffers)
        }
        let others = Room(model, count: count, stages: OutputBufferTests.stages)
        let warnings = try model.run(pictures, into: others.buffers)
        #expect(room.marksStay && others.marksStay)
        for index in 0..<count {
            let bits = try OutputBufferTests.bits(expected[index].get())
            #expect(room.bits(index, of: count) == bits)
            #expect(others.bits(index, of: count) == bits)
            #expect(try warnings[index].get().isEmpty)
        }
    }

    /// Wherever they are in a batch, and however many run together.
    @Test(arguments: [1, 2, 4]) func picturesAtFaultAreNaN(threads: Int) throws {
        var options = Model.Options()
        options.threads = .own(count: threads)
        let model = try Model(path: OutputBufferTests.modelPath, options: options)
        let samples = try sampleImages()
        for faults: Set<Int> in [[], [0], [8], [3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 6, 7]] {
            let pictures = (0..<9).map {
                faults.contains($0) ? Picture.encoded([7]) : .file(samples[$0])
            }
            let expected = try model.run(pictures, outputs: OutputBufferTests.outputs)
            let room = Room(model, count: 9, stages: OutputBufferTests.stages)
            let results = try model.run(pictures, into: room.buffers)
            #expect(room.marksStay)
            for index in 0..<9 {
                switch (results[index], expected[index]) {
                case (.success, .success(let answer)):
                    #expect(room.bits(index, of: 9) == OutputBufferTests.bits(answer))
                case (.failure(let found), .failure(let error)):
                    #expect(found == error && found.code == .invalidImage)
                    let nan = Float.nan.bitPattern
                    for values in room.bits(index, of: 9) {
                        let areNaN = values.allSatisfy { $0 == nan }
                        #expect(areNaN)
                    }
                default: Issue.record("picture \(index): \(results[index])")
                }
            }
        }
    }

    @Test func logitsAloneAndNoPictures() throws {
        let model = try Model(path: OutputBufferTests.modelPath)
        let picture = Picture.file(try sampleImages()[0])
        var logits = [Float](repeating: 0, count: model.classCount)
        let results = try logits.withUnsafeMutableBufferPointer {
            try model.run([picture], into: OutputBuffers(logits: $0))
        }
        #expect(results.count == 1)
        #expect(try logits == model.run(picture).logits)
        let nothing = OutputBuffers(logits: UnsafeMutableBufferPointer(start: nil, count: 0))
        #expect(try model.run([], into: nothing).isEmpty)
        try model.run(
            tensor: UnsafeBufferPointer(start: nil, count: 0), count: 0, into: nothing)
    }

    @Test func outputsThatDoNotFitAreRefused() throws {
        let model = try Model(path: OutputBufferTests.modelPath)
        let input = [Float](repeating: 0.5, count: model.inputShape.elementCount)
        let room = Room(model, count: 1, stages: ["stage3", "stage0"])
        func expect(_ message: String, _ change: (inout OutputBuffers) -> Void) {
            var buffers = room.buffers
            change(&buffers)
            for tensors in [true, false] {
                let error = #expect(throws: OrepaError.self) {
                    try input.withUnsafeBufferPointer { input in
                        if tensors {
                            try model.run(tensor: input, count: 1, into: buffers)
                        } else {
                            _ = try model.run([.tensor(borrowing: input)], into: buffers)
                        }
                    }
                }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message == message)
            }
        }
        func prefix(
            _ buffer: UnsafeMutableBufferPointer<Float>, _ count: Int
        ) -> UnsafeMutableBufferPointer<Float> {
            UnsafeMutableBufferPointer(rebasing: buffer[..<count])
        }
        expect("logits: expected 1 x 10 values, one row for each picture, found 9") {
            $0.logits = prefix($0.logits, 9)
        }
        expect("features: expected 1 x 128 values, one row for each picture, found 127") {
            $0.features = prefix($0.features!, 127)
        }
        expect("stage0: expected 1 x 25088 values, one row for each picture, found 5") {
            $0.stages[1].values = prefix($0.stages[1].values, 5)
        }
        expect("stage: expected one of stage0, stage1, stage2, stage3, stage4, found stage9") {
            $0.stages[0].name = "stage9"
        }
        expect("stages: expected each stage once, found stage3 again") {
            $0.stages[1] = $0.stages[0]
        }
        expect("stages: expected at most 5, found 6") {
            $0.stages = [StageBuffer](repeating: $0.stages[0], count: 6)
        }
        expect("stage0: expected memory of its own, found that of logits too") {
            $0.logits = prefix($0.stages[1].values, 10)
        }
        expect("features: expected memory of its own, found that of stage0 too") {
            $0.features = prefix($0.stages[1].values, 128)
        }
    }

    /// What is read is no place to write to.
    @Test func outputsInTheMemoryOfPicturesAreRefused() throws {
        let model = try Model(path: OutputBufferTests.modelPath)
        var input = [Float](repeating: 0.5, count: model.inputShape.elementCount)
        input.withUnsafeMutableBufferPointer { input in
            let buffers = OutputBuffers(
                logits: UnsafeMutableBufferPointer(rebasing: input[input.count - 10..<input.count]))
            let tensor = UnsafeBufferPointer(input)
            let error = #expect(throws: OrepaError.self) {
                try model.run(tensor: tensor, count: 1, into: buffers)
            }
            #expect(
                error?.message == "tensor: expected memory of its own, found that of logits too")
            for picture: Picture in [
                .tensor(borrowing: tensor), .encoded(borrowing: UnsafeRawBufferPointer(tensor)),
                .pixels(borrowing: UnsafeRawBufferPointer(tensor), width: 4, height: 4),
            ] {
                let error = #expect(throws: OrepaError.self) {
                    try model.run([picture], into: buffers)
                }
                #expect(
                    error?.message
                        == "picture 0: expected memory of its own, found that of logits too")
            }
        }
    }

    @Test func limitsEndCalls() throws {
        let model = try Model(path: OutputBufferTests.modelPath)
        let cancellation = Cancellation()
        cancellation.cancel()
        let limits = CallLimits(cancellation: cancellation)
        let input = [Float](repeating: 0.5, count: model.inputShape.elementCount)
        let room = Room(model, count: 1, stages: [])
        for tensors in [true, false] {
            let error = #expect(throws: OrepaError.self) {
                try input.withUnsafeBufferPointer { input in
                    if tensors {
                        try model.run(tensor: input, count: 1, into: room.buffers, limits: limits)
                    } else {
                        _ = try model.run(
                            [.tensor(borrowing: input)], into: room.buffers, limits: limits)
                    }
                }
            }
            #expect(error?.code == .cancelled)
        }
    }
}
