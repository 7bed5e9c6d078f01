import COrepa
import Orepa
import OrepaImage
import OrepaNetwork
import OrepaSystem

/// `orepa_answers`: what a call found out, in memory that stays where it is.
final class AnswersHandle: Handle {
    static let name = "orepa_answers"

    /// Float32 values that C may point to.
    final class Values: @unchecked Sendable {
        private let memory: SystemBuffer<Float>
        let shape: Shape

        init(_ values: [Float], _ shape: Shape) throws(Failure) {
            do throws(MemoryRefusal) { memory = try SystemBuffer(count: values.count) } catch {
                throw .noMemory
            }
            _ = memory.elements.initialize(from: values)
            self.shape = shape
        }

        var buffer: UnsafeMutableBufferPointer<Float> { memory.elements }
    }

    /// About one picture.
    struct Entry: Sendable {
        let answer: Answer
        let logits: Values
        let features: Values?
        let maps: [(name: String, values: Values)]
    }

    /// Nil where the values are in the caller's memory.
    let entries: [Result<Entry?, Failure>]
    /// The sentence about each picture.
    let messages: CStrings
    /// What is odd about each picture; nil where nothing is.
    let warnings: [CStrings?]
    /// For the labels.
    let model: ModelHandle

    convenience init(_ answers: [Result<Answer, Failure>], _ model: ModelHandle) throws(Failure) {
        var entries: [Result<Entry?, Failure>] = []
        for answer in answers {
            switch answer {
            case .success(let answer): entries.append(.success(try Entry(answer)))
            case .failure(let failure): entries.append(.failure(failure))
            }
        }
        try self.init(entries, warnings: answers.map { (try? $0.get())?.warnings ?? [] }, model)
    }

    /// Without values.
    ///
    /// - Parameter warnings: What is odd about each picture, or why it failed.
    convenience init(
        warnings: [Result<[ImageWarning], Failure>], _ model: ModelHandle
    ) throws(Failure) {
        try self.init(
            warnings.map { $0.map { _ in nil } }, warnings: warnings.map { (try? $0.get()) ?? [] },
            model)
    }

    private init(
        _ entries: [Result<Entry?, Failure>], warnings: [[ImageWarning]], _ model: ModelHandle
    ) throws(Failure) {
        self.entries = entries
        self.model = model
        messages = try CStrings(
            checked: entries.map {
                if case .failure(let failure) = $0 { failure.message } else { "" }
            })
        self.warnings = warnings.map {
            $0.isEmpty ? nil : CStrings($0.map(\.description))
        }
    }
}

extension AnswersHandle.Entry {
    fileprivate init(_ answer: Answer) throws(Failure) {
        func vector(_ values: [Float]) throws(Failure) -> AnswersHandle.Values {
            try AnswersHandle.Values(values, Shape(channels: values.count, height: 1, width: 1))
        }
        self.answer = answer
        logits = try vector(answer.logits)
        if let values = answer.features { features = try vector(values) } else { features = nil }
        var maps: [(name: String, values: AnswersHandle.Values)] = []
        for map in answer.featureMaps {
            maps.append((map.name, try AnswersHandle.Values(map.values, map.shape)))
        }
        self.maps = maps
    }
}
