import COrepa
import Orepa
import OrepaNetwork

/// `orepa_answers`: what a call found out, in memory that stays where it is.
final class AnswersHandle: Handle {
    static let name = "orepa_answers"

    /// Float32 values that C may point to.
    final class Values: @unchecked Sendable {
        let buffer: UnsafeMutableBufferPointer<Float>
        let shape: Shape

        init(_ values: [Float], _ shape: Shape) {
            buffer = .allocate(capacity: values.count)
            _ = buffer.initialize(from: values)
            self.shape = shape
        }

        deinit { buffer.deallocate() }
    }

    /// About one picture.
    struct Entry: Sendable {
        let answer: Answer
        let logits: Values
        let features: Values?
        let maps: [(name: String, values: Values)]
    }

    let entries: [Result<Entry, Failure>]
    /// The sentence about each picture.
    let messages: CStrings
    /// For the labels.
    let model: ModelHandle

    init(_ answers: [Result<Answer, Failure>], _ model: ModelHandle) {
        self.model = model
        messages = CStrings(
            answers.map {
                if case .failure(let failure) = $0 { failure.message } else { "" }
            })
        entries = answers.map { $0.map(Entry.init) }
    }
}

extension AnswersHandle.Entry {
    fileprivate init(_ answer: Answer) {
        func vector(_ values: [Float]) -> AnswersHandle.Values {
            AnswersHandle.Values(values, Shape(channels: values.count, height: 1, width: 1))
        }
        self.answer = answer
        logits = vector(answer.logits)
        features = answer.features.map(vector)
        maps = answer.featureMaps.map {
            ($0.name, AnswersHandle.Values($0.values, $0.shape))
        }
    }
}
