import CProcess
import Glibc
import Orepa
import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

/// Pictures read, decoded and prepared ahead of the one that the network is at, given in order.
///
/// Threads of its own do so; the caller's does where there is one picture only or the system gives no threads.
final class PictureStream {
    enum Result: Sendable {
        case prepared(PreparedImage, warnings: [String])
        case notAnImage
        case failed(PictureFailure)
    }

    private struct State {
        /// The first picture that no thread has begun with.
        var next = 0
        /// The picture that is given next.
        var given = 0
        var results: [Int: Result] = [:]
        var isStopped = false
    }

    private let work: Work
    private let state: Monitor<State>
    private var threads: [pthread_t] = []
    private var index = 0

    /// What is done with each picture.
    private struct Work: Sendable {
        let inputs: [ImageInput]
        let preprocessing: Preprocessing
        let limits: DecodingLimits
        let choices: DecodingChoices

        func prepare(_ index: Int) -> Result {
            do {
                let picture = try inputs[index].decoded(limits: limits, choices: choices)
                return .prepared(
                    try PreparedImage(picture.image, preprocessing: preprocessing),
                    warnings: picture.warnings)
            } catch is ImageInput.NotAnImage {
                return .notAnImage
            } catch {
                return .failed(PictureFailure(error))
            }
        }
    }

    /// - Parameter threadCount: At most so many threads, and so many pictures and one more in memory at a time.
    init(
        _ inputs: [ImageInput], preprocessing: Preprocessing, decoding: DecodingOptions,
        threadCount: Int
    ) {
        let work = Work(
            inputs: inputs, preprocessing: preprocessing, limits: decoding.limits,
            choices: decoding.choices)
        let state = Monitor(State())
        self.work = work
        self.state = state
        let lookahead = threadCount + 1
        guard inputs.count > 1 else { return }
        for _ in 0..<min(threadCount, availableProcessorCount(), inputs.count) {
            let thread = SystemThread.start {
                while let index = PictureStream.claim(from: state, of: inputs.count, lookahead) {
                    let result = work.prepare(index)
                    state.update { $0.results[index] = result }
                }
            }
            guard let thread else { break }
            threads.append(thread)
        }
    }

    /// The number of a picture that the calling thread is to prepare, or nil when there is none left.
    private static func claim(
        from state: Monitor<State>, of count: Int, _ lookahead: Int
    ) -> Int? {
        let claimed: Int?? = state.wait { state -> Int?? in
            if state.isStopped || state.next == count { return .some(nil) }
            guard state.next < state.given + lookahead else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        return claimed ?? nil
    }

    /// The next picture, or nil when there is none left or the program has been interrupted.
    func next() -> (ImageInput, Result)? {
        guard index < work.inputs.count, orepa_received_interrupt() == 0 else { return nil }
        defer { index += 1 }
        let index = index
        if threads.isEmpty {
            let result = work.prepare(index)
            // What was read is then not the whole picture.
            return orepa_received_interrupt() == 0 ? (work.inputs[index], result) : nil
        }
        let result: Result? = state.wait(
            orUntil: { orepa_received_interrupt() != 0 },
            for: { state in
                let result = state.results.removeValue(forKey: index)
                if result != nil { state.given += 1 }
                return result
            })
        return result.map { (work.inputs[index], $0) }
    }

    /// Ends the threads, which takes as long as the pictures that they are at.
    func end() {
        state.update { $0.isStopped = true }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}

extension ImageInput {
    /// The decoded picture, and a sentence for whatever is odd about it.
    func decoded(
        limits: DecodingLimits, choices: DecodingChoices
    ) throws -> (image: RGBImage, warnings: [String]) {
        let decoded = try ImageDecoder.decode(try bytes(), limits: limits, choices: choices)
        var warnings = decoded.warnings.map { warning in
            warning == .sixteenBitGrey ? "\(warning); --png16 pillow does so too" : "\(warning)"
        }
        if let orientation = decoded.exifOrientation, orientation != 1,
            !choices.appliesOrientation
        {
            warnings.append(
                "the file asks to be turned or mirrored (EXIF orientation \(orientation)); ignored, "
                    + "as in training; --exif-orientation applies it")
        }
        return (decoded.image, warnings)
    }
}
