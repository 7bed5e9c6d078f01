import COrepa
import Glibc
import Orepa
import OrepaImage
import OrepaPlan

func runInto(
    _ model: OpaquePointer?, _ pictures: UnsafePointer<orepa_picture>?, _ count: Int,
    _ outputs: UnsafePointer<orepa_outputs>?, _ options: UnsafePointer<orepa_run_options>?,
    _ answers: UnsafeMutablePointer<OpaquePointer?>?
) -> orepa_status {
    status { () throws(Failure) in
        answers?.pointee = nil
        let handle = try ModelHandle.of(model, "model")
        let limits = try orepa_run_options.limitsAlone(options)
        let pictures = try readPictures(
            pictures, count, for: handle.model, limits: limits)
        let outputs = try CallersOutputs(outputs, of: handle, pictureCount: count)
        // One that is at fault already is run as no picture at all, so that the others keep their places.
        let results = try calling { () throws(OrepaError) in
            try handle.model.run(
                pictures.map { (try? $0.get()) ?? .tensor([]) }, logits: outputs.logits,
                features: outputs.features, stageCount: outputs.stageCount,
                stage: { outputs.stage($0) },
                limits: limits)
        }
        let all = zip(pictures, results).map { picture, result -> Result<[ImageWarning], Failure> in
            if case .failure(let failure) = picture { return .failure(failure) }
            return result.mapError(Failure.init)
        }
        if let answers {
            answers.pointee = try AnswersHandle(warnings: all, handle).retainedPointer()
        } else {
            for result in all { _ = try result.get() }
        }
    }
}

func runTensorInto(
    _ model: OpaquePointer?, _ input: UnsafePointer<Float>?, _ inputCount: Int,
    _ pictureCount: Int, _ outputs: UnsafePointer<orepa_outputs>?,
    _ options: UnsafePointer<orepa_run_options>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let handle = try ModelHandle.of(model, "model")
        let limits = try orepa_run_options.limitsAlone(options)
        let size = handle.model.inputShape.elementCount
        let (expected, overflow) = pictureCount.multipliedReportingOverflow(by: size)
        guard pictureCount >= 0, !overflow else { throw .pictureCount(pictureCount) }
        try values(input, inputCount, expected: expected, "input")
        let outputs = try CallersOutputs(outputs, of: handle, pictureCount: pictureCount)
        let input = UnsafeBufferPointer(start: input, count: inputCount)
        try input.checkFinite(limits: limits) { "input value \($0)" }
        try calling { () throws(OrepaError) in
            try handle.model.run(
                tensor: input, count: pictureCount, logits: outputs.logits,
                features: outputs.features, stageCount: outputs.stageCount,
                stage: { outputs.stage($0) },
                limits: limits)
        }
    }
}

/// `orepa_outputs`, checked. Takes no memory.
private struct CallersOutputs {
    let logits: UnsafeMutableBufferPointer<Float>
    let features: UnsafeMutableBufferPointer<Float>?
    let stageCount: Int
    private let firstStage: UnsafeRawPointer?
    private let stride: Int
    private let handle: ModelHandle

    init(
        _ outputs: UnsafePointer<orepa_outputs>?, of handle: ModelHandle, pictureCount: Int
    ) throws(Failure) {
        guard let outputs else { throw .null("outputs", expected: "an orepa_outputs") }
        let given = try orepa_outputs.read(UnsafeRawPointer(outputs), "outputs")
        self.handle = handle
        let model = handle.model
        logits = try CallersOutputs.buffer(
            given.logits, given.logit_count, pictureCount, model.classCount, "outputs.logits")
        if given.features == nil, given.feature_value_count == 0 {
            features = nil
        } else {
            features = try CallersOutputs.buffer(
                given.features, given.feature_value_count, pictureCount, model.featureCount,
                "outputs.features")
        }
        stageCount = given.stage_count
        guard stageCount != 0 else {
            firstStage = nil
            stride = 0
            return
        }
        // Names may not repeat, so there are no more than stages.
        guard 1...model.stages.count ~= stageCount else {
            throw .argument(
                "outputs.stage_count", expected: "at most \(model.stages.count)",
                found: "\(UInt(bitPattern: stageCount))")
        }
        guard let stages = given.stages else {
            throw .null("outputs.stages", expected: "\(stageCount) stages")
        }
        let first = UnsafeRawPointer(stages)
        firstStage = first
        // Their owner's may be longer than the ones that this library knows.
        stride = try orepa_stage_output.size(at: first, "outputs.stages[0]")
        for place in 0..<stageCount { try check(place, pictureCount) }
    }

    private func check(_ place: Int, _ pictureCount: Int) throws(Failure) {
        let pointer = firstStage! + place * stride
        let size = pointer.load(as: Int.self)
        guard size == stride else {
            throw .argument(
                "outputs.stages[\(place)].size", expected: "\(stride), as outputs.stages[0] has",
                found: "\(UInt(bitPattern: size))")
        }
        let output = try orepa_stage_output.read(pointer, "outputs.stages[\(place)]")
        guard let name = output.name else {
            throw .null("outputs.stages[\(place)].name", expected: "a string")
        }
        guard let index = handle.stageIndex(name) else {
            throw .argument(
                "outputs.stages[\(place)].name",
                expected: "one of \(handle.model.stages.map(\.name).joined(separator: ", "))",
                found: try string(name, "outputs.stages[\(place)].name"))
        }
        _ = try CallersOutputs.buffer(
            output.values, output.count, pictureCount,
            handle.model.stages[index].shape.elementCount, "outputs.stages[\(place)].values")
    }

    /// The stage at `place`, which has been checked.
    func stage(_ place: Int) -> StageTarget {
        // It was read before, without an error.
        let output = (try? orepa_stage_output.read(firstStage! + place * stride, ""))!
        return StageTarget(
            stage: handle.stageIndex(output.name)!,
            values: UnsafeMutableBufferPointer(start: output.values, count: output.count))
    }

    private static func buffer(
        _ pointer: UnsafeMutablePointer<Float>?, _ count: Int, _ pictureCount: Int, _ size: Int,
        _ argument: @autoclosure () -> String
    ) throws(Failure) -> UnsafeMutableBufferPointer<Float> {
        let (expected, overflow) = pictureCount.multipliedReportingOverflow(by: size)
        guard pictureCount >= 0, !overflow else { throw .pictureCount(pictureCount) }
        try values(pointer, count, expected: expected, argument())
        return UnsafeMutableBufferPointer(start: pointer, count: count)
    }
}

extension ModelHandle {
    fileprivate func stageIndex(_ name: UnsafePointer<CChar>) -> Int? {
        (0..<stageNames.count).first { strcmp(stageNames[$0], name) == 0 }
    }
}

extension Failure {
    fileprivate static func pictureCount(_ count: Int) -> Failure {
        .argument(
            "picture_count", expected: "a number of pictures that memory holds",
            found: "\(UInt(bitPattern: count))")
    }
}
