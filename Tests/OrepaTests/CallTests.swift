import Dispatch
import Foundation
import Orepa
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaThreads
import Synchronization
import TestSupport
import Testing

/// How calls of one model share its memory and its threads, and how they end early.
@Suite struct CallTests {
    private static let modelPath = repositoryFile("models/fashion-mnist-repvgg/model.safetensors")

    /// Different pictures on 16 threads, each against what one thread alone gives. ThreadSanitizer runs this too.
    @Test func sixteenThreadsShareOneModel() throws {
        let pool = WorkerPool(threadCount: 2)
        let ways: [Model.Threads] = [
            .own(count: 2), .shared(pool), .callersThread,
            .parallelFor(
                ParallelFor(threadCount: 2) {
                    DispatchQueue.concurrentPerform(iterations: $0, execute: $1)
                }),
        ]
        let samples = try sampleImages()
        for threads in ways {
            var options = Model.Options()
            options.threads = threads
            let model = try Model(path: CallTests.modelPath, options: options)
            let alone = try samples.map { try model.run(.file($0), outputs: CallTests.all(model)) }
            let differences = Atomic<Int>(0)
            let calls = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: 16) { thread in
                for round in 0..<4 {
                    let index = (thread + round) % samples.count
                    let outputs = CallTests.all(model)
                    var equal = false
                    if round % 3 == 2 {
                        let answers = try? model.run(samples.map { .file($0) }, outputs: outputs)
                        equal = answers?.map { try? $0.get() } == alone
                    } else {
                        equal =
                            (try? model.run(.file(samples[index]), outputs: outputs))
                            == alone[index]
                    }
                    if round == 3 { model.trim() }
                    if !equal { differences.add(1, ordering: .relaxed) }
                    calls.add(1, ordering: .relaxed)
                }
            }
            #expect(differences.load(ordering: .relaxed) == 0)
            #expect(calls.load(ordering: .relaxed) == 64)
        }
    }

    private static func all(_ model: Model) -> Outputs {
        Outputs(features: true, stages: model.stages.map(\.name))
    }

    @Test func asyncCallsGiveTheSameBits() async throws {
        let model = try Model(path: CallTests.modelPath)
        let samples = try sampleImages()
        // Without `await` the same names would be the other calls.
        let alone: [[Prediction]] = try samples.map { try CallTests.classify($0, with: model) }
        let together = try await withThrowingTaskGroup(of: (Int, [Prediction]).self) { group in
            for (index, path) in (samples + samples + samples).enumerated() {
                group.addTask { (index % samples.count, try await model.classify(.file(path))) }
            }
            var answers: [(Int, [Prediction])] = []
            for try await answer in group { answers.append(answer) }
            return answers
        }
        #expect(together.count == 30)
        for (index, predictions) in together { #expect(predictions == alone[index]) }
        let batch = try await model.run(samples.map { .file($0) })
        #expect(try batch.map { try $0.get().top() } == alone)
    }

    private static func classify(_ path: String, with model: Model) throws -> [Prediction] {
        try model.classify(.file(path))
    }

    @Test func cancelledAndLateCallsEnd() throws {
        let model = try Model(path: CallTests.modelPath)
        let picture = Picture.file(try sampleImages()[0])
        let cancellation = Cancellation()
        _ = try model.run(picture, limits: CallLimits(cancellation: cancellation))
        cancellation.cancel()
        var error = #expect(throws: OrepaError.self) {
            try model.run(picture, limits: CallLimits(cancellation: cancellation))
        }
        #expect(error?.code == .cancelled)
        _ = try model.run(picture, limits: CallLimits(deadline: .now + .seconds(60)))
        error = #expect(throws: OrepaError.self) {
            try model.run(picture, limits: CallLimits(deadline: .now))
        }
        #expect(error?.code == .deadlineExceeded)
    }

    /// The loop that the host brings cancels the call that it works for: it ends before the next layer.
    @Test func aCallEndsBetweenLayers() throws {
        let cancellation = Cancellation()
        let loops = Atomic<Int>(0)
        let cancelsAt = Atomic<Int>(.max)
        var options = Model.Options()
        options.threads = .parallelFor(
            ParallelFor(threadCount: 2) { count, turn in
                if loops.add(1, ordering: .relaxed).newValue == cancelsAt.load(ordering: .relaxed) {
                    cancellation.cancel()
                }
                for index in (0..<count).reversed() { turn(index) }
            })
        let model = try Model(path: CallTests.modelPath, options: options)
        let tensor = Picture.tensor([Float](repeating: 0.5, count: model.inputShape.elementCount))
        loops.store(0, ordering: .relaxed)
        let limits = CallLimits(cancellation: cancellation)
        _ = try model.run(tensor, limits: limits)
        let whole = loops.load(ordering: .relaxed)
        #expect(whole > 5)
        loops.store(0, ordering: .relaxed)
        cancelsAt.store(3, ordering: .relaxed)
        let error = #expect(throws: OrepaError.self) { try model.run(tensor, limits: limits) }
        #expect(error?.code == .cancelled)
        #expect(loops.load(ordering: .relaxed) == 3)
    }

    /// Each thread with pictures of its own: the first one cancels the call, the others end before their next layer.
    @Test func aBatchEndsBetweenLayers() throws {
        let cancellation = Cancellation()
        let cancels = Atomic<Bool>(false)
        var options = Model.Options()
        options.threads = .parallelFor(
            ParallelFor(threadCount: 2) { count, turn in
                if cancels.load(ordering: .relaxed) { cancellation.cancel() }
                for index in 0..<count { turn(index) }
            })
        let model = try Model(path: CallTests.modelPath, options: options)
        let pictures = try (0..<7).map { Picture.file(try sampleImages()[$0 % 2]) }
        let limits = CallLimits(cancellation: cancellation)
        let answers = try model.run(pictures, limits: limits)
        cancels.store(true, ordering: .relaxed)
        let error = #expect(throws: OrepaError.self) { try model.run(pictures, limits: limits) }
        #expect(error?.code == .cancelled)
        #expect(try model.run(pictures) == answers)
    }

    @Test func aCancelledTaskEndsItsCall() async throws {
        let model = try Model(path: CallTests.modelPath)
        let path = try sampleImages()[0]
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await model.classify(.file(path))
        }
        task.cancel()
        let error = await #expect(throws: OrepaError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    private final class Shared: Sendable {
        let isFree = Atomic<Bool>(false)
        let hasStarted = Atomic<Bool>(false)
        let ran = Atomic<Int>(0)
    }

    /// The only thread is taken: who waits for it ends at once at its limits, or has it in turn.
    @Test(.timeLimit(.minutes(1))) func aWaitingCallEndsAtItsLimits() async throws {
        let threads = CallThreads(count: 1)
        let shared = Shared()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await threads.run(CallLimits()) { (_) throws(OrepaError) in
                    shared.hasStarted.store(true, ordering: .relaxed)
                    while !shared.isFree.load(ordering: .relaxed) { usleep(1000) }
                }
            }
            while !shared.hasStarted.load(ordering: .relaxed) { await Task.yield() }
            func ends(_ limits: CallLimits, _ code: OrepaError.Code, _ then: () -> Void) async {
                let task = Task {
                    try await threads.run(limits) { (_) throws(OrepaError) in
                        _ = shared.ran.add(1, ordering: .relaxed)
                    }
                }
                try? await Task.sleep(for: .milliseconds(10))
                then()
                if code == .cancelled, limits.cancellation == nil { task.cancel() }
                let error = await #expect(throws: OrepaError.self) { try await task.value }
                #expect(error?.code == code)
            }
            let late = Cancellation()
            await ends(CallLimits(deadline: .now + .seconds(3600)), .cancelled) {}
            await ends(CallLimits(deadline: .now + .milliseconds(30)), .deadlineExceeded) {}
            await ends(CallLimits(), .cancelled) {}
            await ends(CallLimits(cancellation: late), .cancelled) { late.cancel() }
            await ends(CallLimits(cancellation: late), .cancelled) {}
            await ends(CallLimits(deadline: .now), .deadlineExceeded) {}
            #expect(shared.ran.load(ordering: .relaxed) == 0)
            for _ in 0..<3000 {
                group.addTask {
                    try await threads.run(CallLimits(deadline: .now + .seconds(60))) {
                        (_) throws(OrepaError) in
                        _ = shared.ran.add(1, ordering: .relaxed)
                    }
                }
            }
            shared.isFree.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(shared.ran.load(ordering: .relaxed) == 3000)
    }

    @Test(arguments: [0, -1, 4097, Int.max]) func impossibleThreadCountsAreRefused(count: Int) {
        for threads in [
            Model.Threads.own(count: count),
            .parallelFor(ParallelFor(threadCount: count) { _, _ in }),
        ] {
            var options = Model.Options()
            options.threads = threads
            let error = #expect(throws: OrepaError.self) {
                try Model(path: CallTests.modelPath, options: options)
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message == "threads: expected 1 to 4096, found \(count)")
        }
    }

    /// A loop that leaves out all turns but the last, and one that invents some.
    @Test(arguments: [true, false]) func aParallelForMayBeOdd(leavesOut: Bool) throws {
        var options = Model.Options()
        options.threads = .parallelFor(
            ParallelFor(threadCount: 3) { count, turn in
                if leavesOut { return turn(count - 1) }
                for index in -1...count + 2 { turn(index) }
            })
        let odd = try Model(path: CallTests.modelPath, options: options)
        let model = try Model(path: CallTests.modelPath)
        let pictures = try sampleImages().map { Picture.file($0) }
        #expect(try odd.run(pictures) == model.run(pictures))
    }

    @Test func tensorsGoStraightIntoTheCallersMemory() throws {
        let model = try Model(path: CallTests.modelPath)
        let size = model.inputShape.elementCount
        var random = SeededRandom(3)
        let input = random.floats(7 * size)
        let expected = try (0..<7).map {
            try model.run(.tensor(Array(input[$0 * size..<($0 + 1) * size]))).logits
        }.flatMap { $0 }
        var logits = [Float](repeating: 0, count: expected.count)
        try input.withUnsafeBufferPointer { input in
            try logits.withUnsafeMutableBufferPointer { logits in
                try model.run(tensor: input, count: 7, logits: logits)
                for (count, cut) in [(6, 0), (8, 0), (7, 1), (-1, 0), (Int.max, 0), (0, 0)] {
                    let error = #expect(throws: OrepaError.self) {
                        try model.run(
                            tensor: UnsafeBufferPointer(rebasing: input.dropLast(cut)),
                            count: count, logits: logits)
                    }
                    #expect(error?.code == .invalidArgument)
                }
            }
        }
        #expect(logits == expected)
    }
}
