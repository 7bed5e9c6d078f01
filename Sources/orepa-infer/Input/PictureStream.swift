import CProcess
import Glibc
import Orepa
import OrepaPlan
import OrepaSystem
import OrepaThreads

/// Answers about pictures, in order. While the network runs some pictures, as many as are best run at a time, the next ones
/// are read, decoded and prepared.
///
/// Threads of its own prepare; the caller's does where there is one picture only or the system gives no threads.
final class PictureStream {
    /// What became of a picture.
    enum Outcome {
        case answered(Answer, warnings: [String])
        case notAnImage
        case failed(PictureFailure)
    }

    /// What became of preparing a picture.
    private enum Preparation: Sendable {
        case prepared(warnings: [String])
        case notAnImage
        case failed(PictureFailure)
    }

    private struct State {
        /// The first picture that no thread has begun with.
        var next = 0
        /// The first picture whose place in the batch is still needed.
        var first = 0
        var results: [Int: Preparation] = [:]
        var isStopped = false
    }

    /// What is done with each picture before it is run.
    private struct Work: Sendable {
        let inputs: [ImageInput]
        let batch: PreparedBatch
        let appliesOrientation: Bool

        /// Where a picture is prepared.
        func place(_ index: Int) -> Int { index % batch.capacity }

        func prepare(_ index: Int) -> Preparation {
            let picture: Picture
            do throws(PictureFailure) { picture = try inputs[index].picture() } catch {
                return .failed(error)
            }
            do throws(OrepaError) {
                let file = try batch.prepare(picture, at: place(index))
                return .prepared(
                    warnings: file.sentences(appliesOrientation: appliesOrientation))
            } catch {
                switch inputs[index].source {
                case .folderEntry where error.isAboutOtherContent: return .notAnImage
                case .listed(let file) where error.isAboutMissingFile:
                    guard let oddity = ListLine.oddity(of: file.bytes) else { break }
                    return .failed(PictureFailure("no such file; \(oddity)"))
                default: break
                }
                return .failed(PictureFailure(error))
            }
        }
    }

    private let work: Work
    private let state = Monitor(State())
    private var threads: [pthread_t] = []
    /// How many pictures run at a time at most.
    private let together: Int
    /// The next picture to tell of.
    private var index = 0
    /// What became of that picture and of some behind it.
    private var outcomes: ArraySlice<Outcome> = []

    /// How long the network waits for a picture before it runs those that are there.
    private static let patience = Duration.milliseconds(100)

    /// - Parameters:
    ///   - model: Runs them.
    ///   - appliesOrientation: Whether it turns pictures as they ask for.
    ///   - threadCount: At most so many threads prepare pictures.
    init(
        _ inputs: [ImageInput], model: Model, appliesOrientation: Bool, threadCount: Int
    ) throws(OrepaError) {
        together = max(min(model.picturesTogether, inputs.count), 1)
        let work = Work(
            inputs: inputs,
            batch: try model.makeBatch(capacity: max(min(2 * together, inputs.count), 1)),
            appliesOrientation: appliesOrientation)
        self.work = work
        let state = state
        guard inputs.count > 1 else { return }
        for _ in 0..<min(threadCount, availableProcessorCount(), inputs.count) {
            let thread = SystemThread.start {
                while let index = PictureStream.claim(from: state, for: work) {
                    let result = work.prepare(index)
                    state.update { $0.results[index] = result }
                }
            }
            guard let thread else { break }
            threads.append(thread)
        }
    }

    /// The number of a picture that the calling thread is to prepare, or nil when there is none left.
    private static func claim(from state: Monitor<State>, for work: Work) -> Int? {
        let claimed: Int?? = state.wait { state -> Int?? in
            if state.isStopped || state.next == work.inputs.count { return .some(nil) }
            guard state.next < state.first + work.batch.capacity else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        return claimed ?? nil
    }

    /// The next picture, or nil when there is none left or the program has been interrupted.
    func next() -> (ImageInput, Outcome)? {
        guard index < work.inputs.count, orepa_received_interrupt() == 0 else { return nil }
        if outcomes.isEmpty {
            guard let prepared = prepared() else { return nil }
            outcomes = run(prepared)[...]
            let count = outcomes.count
            state.update { $0.first += count }
        }
        defer { index += 1 }
        return (work.inputs[index], outcomes.removeFirst())
    }

    /// The next pictures to be run together; nil when the program has been interrupted.
    private func prepared() -> [Preparation]? {
        let index = index
        if threads.isEmpty {
            let result = work.prepare(index)
            // What was read is then not the whole picture.
            return orepa_received_interrupt() == 0 ? [result] : nil
        }
        // Their places follow each other: there is room for twice as many.
        let end = min((index / together + 1) * together, work.inputs.count)
        let late = ContinuousClock.now + PictureStream.patience
        return state.wait(
            orUntil: { orepa_received_interrupt() != 0 },
            for: { state in
                let ready = (index..<end).prefix { state.results[$0] != nil }
                guard ready.count == end - index || !ready.isEmpty && ContinuousClock.now >= late
                else { return nil }
                return ready.map { state.results.removeValue(forKey: $0)! }
            })
    }

    /// Runs the pictures from ``index`` on, those between two that failed together.
    private func run(_ prepared: [Preparation]) -> [Outcome] {
        var outcomes: [Outcome] = []
        var warnings: [[String]] = []
        for preparation in prepared.map(Optional.some) + [nil] {
            if case .prepared(let sentences)? = preparation {
                warnings.append(sentences)
                continue
            }
            let first = work.place(index + outcomes.count)
            let results = answers(first..<first + warnings.count)
            for (result, sentences) in zip(results, warnings) {
                switch result {
                case .success(let answer):
                    outcomes.append(.answered(answer, warnings: sentences))
                case .failure(let error): outcomes.append(.failed(PictureFailure(error)))
                }
            }
            warnings = []
            switch preparation {
            case .notAnImage?: outcomes.append(.notAnImage)
            case .failed(let failure)?: outcomes.append(.failed(failure))
            case .prepared?, nil: break
            }
        }
        return outcomes
    }

    /// The answers about the pictures at some places of the batch.
    private func answers(_ places: Range<Int>) -> [Result<Answer, OrepaError>] {
        do throws(OrepaError) {
            return try work.batch.run(places: places).map { .success($0) }
        } catch {
            // Several at a time take more memory than one by one.
            guard error.code == .outOfMemory, places.count > 1 else {
                return places.map { _ in .failure(error) }
            }
            return places.map { place in
                Result { () throws(OrepaError) in
                    try work.batch.run(places: place..<place + 1)[0]
                }
            }
        }
    }

    /// Ends the threads, which takes as long as the pictures that they are at.
    func end() {
        state.update { $0.isStopped = true }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}
