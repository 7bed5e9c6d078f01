import COrepa
import Orepa
import OrepaPlan
import OrepaThreads

func run(
    _ model: OpaquePointer?, _ pictures: UnsafePointer<orepa_picture>?, _ count: Int,
    _ options: UnsafePointer<orepa_run_options>?, _ answers: UnsafeMutablePointer<OpaquePointer?>?
) -> orepa_status {
    status { () throws(Failure) in
        try AnswersHandle.clear(answers, "answers")
        let handle = try ModelHandle.of(model, "model")
        let options = try orepa_run_options.readOptional(options, "options")
        let limits = try options.limits()
        let outputs = try options.outputs(of: handle.model)
        let pictures = try readPictures(
            pictures, count, for: handle.model, limits: limits)
        // One that is at fault already is run as no picture at all, so that the others keep their places, by which
        // messages call them.
        let results = try calling { () throws(OrepaError) in
            try handle.model.run(
                pictures.map { (try? $0.get()) ?? .tensor([]) }, outputs: outputs, limits: limits)
        }
        let all = zip(pictures, results).map { picture, result -> Result<Answer, Failure> in
            if case .failure(let failure) = picture { return .failure(failure) }
            return result.mapError(Failure.init)
        }
        answers!.pointee = try AnswersHandle(all, handle).retainedPointer()
    }
}

func runTensor(
    _ model: OpaquePointer?, _ input: UnsafePointer<Float>?, _ inputCount: Int,
    _ pictureCount: Int, _ logits: UnsafeMutablePointer<Float>?, _ logitCount: Int,
    _ options: UnsafePointer<orepa_run_options>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let model = try ModelHandle.of(model, "model").model
        let limits = try orepa_run_options.limitsAlone(options)
        let (expected, overflow) = pictureCount.multipliedReportingOverflow(
            by: model.inputShape.elementCount)
        let (expectedLogits, logitOverflow) = pictureCount.multipliedReportingOverflow(
            by: model.classCount)
        guard pictureCount >= 0, !overflow, !logitOverflow else {
            throw .argument(
                "picture_count", expected: "a number of pictures that memory holds",
                found: "\(UInt(bitPattern: pictureCount))")
        }
        try values(input, inputCount, expected: expected, "input")
        try values(logits, logitCount, expected: expectedLogits, "logits")
        let inputBuffer = UnsafeBufferPointer(start: input, count: inputCount)
        try inputBuffer.checkFinite(limits: limits) { "input value \($0)" }
        try calling { () throws(OrepaError) in
            try model.run(
                tensor: inputBuffer, count: pictureCount,
                logits: UnsafeMutableBufferPointer(start: logits, count: logitCount),
                limits: limits)
        }
    }
}

extension orepa_run_options {
    func limits() throws(Failure) -> CallLimits {
        try CallLimits(
            timeoutNanoseconds: timeout_nanoseconds, "options.timeout_nanoseconds",
            cancellation: cancellation, "options.cancellation")
    }

    /// The limits of options that ask for nothing beside the logits.
    static func limitsAlone(
        _ pointer: UnsafePointer<orepa_run_options>?
    ) throws(Failure) -> CallLimits {
        let options = try readOptional(pointer, "options")
        guard !options.features, options.stage_count == 0 else {
            throw .argument(
                "options", expected: "neither features nor stages, which `run` gives",
                found: options.features ? "features" : "\(options.stage_count) stages")
        }
        return try options.limits()
    }

    func outputs(of model: Model) throws(Failure) -> Outputs {
        var outputs = Outputs.logits
        outputs.features = features
        if stage_count == 0 { return outputs }
        guard let stages else {
            throw .null("options.stages", expected: "\(UInt(bitPattern: stage_count)) names")
        }
        // Names may not repeat, so there are no more than stages.
        guard 0...model.stages.count ~= stage_count else {
            throw .argument(
                "options.stage_count", expected: "at most \(model.stages.count)",
                found: "\(UInt(bitPattern: stage_count))")
        }
        for index in 0..<stage_count {
            let name = try string(stages[index], "options.stages[\(index)]")
            guard model.stages.contains(where: { $0.name == name }) else {
                throw .argument(
                    "options.stages[\(index)]",
                    expected: "one of \(model.stages.map(\.name).joined(separator: ", "))",
                    found: name)
            }
            guard !outputs.stages.contains(name) else {
                throw .argument(
                    "options.stages[\(index)]", expected: "each stage once",
                    found: "\(name) again")
            }
            outputs.stages.append(name)
        }
        return outputs
    }
}

extension CallLimits {
    /// Limits of a call that begins now; `timeoutName` and `cancellationName` are those of the header's fields.
    init(
        timeoutNanoseconds: Int64, _ timeoutName: String, cancellation: OpaquePointer?,
        _ cancellationName: String
    ) throws(Failure) {
        self.init()
        guard timeoutNanoseconds >= 0 else {
            throw .argument(timeoutName, expected: "at least 0", found: "\(timeoutNanoseconds)")
        }
        if timeoutNanoseconds > 0 { deadline = .now + .nanoseconds(timeoutNanoseconds) }
        if let cancellation {
            self.cancellation =
                try CancellationHandle.of(cancellation, cancellationName).cancellation
        }
    }
}
