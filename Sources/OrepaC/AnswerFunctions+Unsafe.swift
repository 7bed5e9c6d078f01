import COrepa
import Orepa

func answersCount(_ answers: OpaquePointer?) -> Int {
    (try? AnswersHandle.of(answers, "answers"))?.entries.count ?? 0
}

func answersStatus(_ answers: OpaquePointer?, _ index: Int) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in _ = try result(answers, index).get() }
}

func answersMessage(_ answers: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
    guard let answers = try? AnswersHandle.of(answers, "answers"),
        answers.entries.indices ~= index
    else { return nil }
    return answers.messages[index]
}

func answersWarning(
    _ answers: OpaquePointer?, _ index: Int, _ place: Int
) -> UnsafePointer<CChar>? {
    guard let answers = try? AnswersHandle.of(answers, "answers"),
        answers.warnings.indices ~= index, let warnings = answers.warnings[index],
        0..<warnings.count ~= place
    else { return nil }
    return warnings[place]
}

func answersTop(
    _ answers: OpaquePointer?, _ index: Int, _ predictions: UnsafeMutablePointer<orepa_prediction>?,
    _ count: UnsafeMutablePointer<Int>?
) -> orepa_status {
    status { () throws(Failure) in
        let handle = try AnswersHandle.of(answers, "answers")
        let answer = try entry(answers, index).answer
        guard let count else { throw .null("count", expected: "the number of predictions") }
        let room = count.pointee
        guard room >= 0 else {
            throw .argument(
                "count", expected: "at most \(Int.max)", found: "\(UInt(bitPattern: room))")
        }
        guard let predictions else {
            if room == 0 { return }
            throw .null("predictions", expected: "room for \(room) predictions")
        }
        let top = try calling { () throws(OrepaError) in try answer.top(room) }
        // All sizes are looked at before anything is written.
        let first = UnsafeMutableRawPointer(predictions)
        let stride = room == 0 ? 0 : try orepa_prediction.size(at: first, "predictions[0]")
        for rank in top.indices {
            let size = (first + rank * stride).load(as: Int.self)
            guard size == stride else {
                throw .argument(
                    "predictions[\(rank)].size", expected: "\(stride), as predictions[0] has",
                    found: "\(UInt(bitPattern: size))")
            }
        }
        for (rank, prediction) in top.enumerated() {
            let place = (first + rank * stride).assumingMemoryBound(to: orepa_prediction.self)
            try orepa_prediction(
                size: 0, index: prediction.index, label: handle.model.labels?[prediction.index],
                probability: prediction.probability, logit: prediction.logit
            ).write(to: place, "predictions[\(rank)]")
        }
        count.pointee = top.count
    }
}

func answersLogits(
    _ answers: OpaquePointer?, _ index: Int, _ values: UnsafeMutablePointer<orepa_values>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        try entry(answers, index).logits.description.write(to: values, "values")
    }
}

func answersProbabilities(
    _ answers: OpaquePointer?, _ index: Int, _ probabilities: UnsafeMutablePointer<Float>?,
    _ count: Int
) -> orepa_status {
    status { () throws(Failure) in
        let scores = try entry(answers, index).answer.scores
        try checkMemory(count: scores.logits.count, size: Scores.memoryPerClass)
        try values(probabilities, count, expected: scores.logits.count, "probabilities")
        for (index, probability) in scores.probabilities.enumerated() {
            probabilities![index] = probability
        }
    }
}

func answersFeatures(
    _ answers: OpaquePointer?, _ index: Int, _ values: UnsafeMutablePointer<orepa_values>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        guard let features = try entry(answers, index).features else {
            throw .argument(
                "answers", expected: "of a call with options.features", found: "of one without")
        }
        try features.description.write(to: values, "values")
    }
}

func answersStage(
    _ answers: OpaquePointer?, _ index: Int, _ name: UnsafePointer<CChar>?,
    _ values: UnsafeMutablePointer<orepa_values>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let maps = try entry(answers, index).maps
        let name = try string(name, "name")
        guard let map = maps.first(where: { $0.name == name }) else {
            let names = maps.isEmpty ? "none" : maps.map(\.name).joined(separator: ", ")
            throw .argument(
                "name", expected: "a stage that the call asked for: \(names)", found: name)
        }
        try map.values.description.write(to: values, "values")
    }
}

func answersFree(_ answers: OpaquePointer?) { AnswersHandle.free(answers) }

private func result(
    _ answers: OpaquePointer?, _ index: Int
) throws(Failure) -> Result<AnswersHandle.Entry?, Failure> {
    let answers = try AnswersHandle.of(answers, "answers")
    try checkIndex(index, answers.entries.count, "picture")
    return answers.entries[index]
}

private func entry(_ answers: OpaquePointer?, _ index: Int) throws(Failure) -> AnswersHandle.Entry {
    guard let entry = try result(answers, index).get() else {
        throw .argument(
            "answers", expected: "of `run`", found: "of `run_into`, whose values are where it wrote"
        )
    }
    return entry
}

extension AnswersHandle.Values {
    fileprivate var description: orepa_values {
        orepa_values(
            size: 0, values: UnsafePointer(buffer.baseAddress), count: buffer.count,
            channels: shape.channels, height: shape.height, width: shape.width)
    }
}
