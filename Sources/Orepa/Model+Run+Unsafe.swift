import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem

extension Model {
    /// Runs the network on tensors, into memory of the caller's. Allocates nothing once there is a context: the call with
    /// the least beside the network itself.
    ///
    /// - Parameters:
    ///   - tensor: `[count, channels, H, W]`, Float32, row-major, normalised; borrowed.
    ///   - count: How many pictures, 0 or more.
    ///   - logits: `[count, classes]`, Float32, row-major; initialised or not. What is in it after an error has no meaning.
    ///   - limits: When to end early.
    /// - Throws: ``OrepaError`` with ``OrepaError/Code/invalidArgument``, ``OrepaError/Code/outOfMemory``,
    ///   ``OrepaError/Code/cancelled``, ``OrepaError/Code/deadlineExceeded``.
    public func run(
        tensor: UnsafeBufferPointer<Float>, count: Int,
        logits: UnsafeMutableBufferPointer<Float>, limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try check(count: count)
        try check(
            "tensor", tensor.count, "[\(count), \(preparation.channels), H, W]", count,
            preparation.elementCount)
        try check("logits", logits.count, "[\(count), classes]", count, classCount)
        try withContext(count: count) { (context) throws(OrepaError) in
            do throws(PlanError) {
                try context.network.run(tensor, count: count, logits: logits, limits: limits)
            } catch { throw OrepaError(error, path: path) }
        }
    }

    private func check(count: Int) throws(OrepaError) {
        guard 0...Int(Int32.max) ~= count else {
            throw OrepaError(
                .invalidArgument, "count: expected 0 to \(Int32.max) pictures, found \(count)")
        }
    }

    private func check(
        _ name: String, _ found: Int, _ shape: String, _ count: Int, _ size: Int
    ) throws(OrepaError) {
        // Neither factor is 2^31 or more.
        guard found == count * size else {
            throw OrepaError(
                .invalidArgument,
                "\(name): expected \(shape), \(count * size) values, found \(found)")
        }
    }

    /// Runs the network on any number of pictures, four at a time, or as many as there are threads. With two or more of
    /// them each thread runs pictures of its own.
    ///
    /// One picture that cannot be prepared does not fail the others. They are prepared on the model's threads.
    ///
    /// - Parameters:
    ///   - pictures: Borrowed until the call returns.
    ///   - outputs: What to give beside the logits.
    ///   - limits: When to end early.
    /// - Returns: For each picture its answer or why there is none.
    /// - Throws: What concerns all of them: ``OrepaError`` with ``OrepaError/Code/invalidArgument`` for an unknown stage,
    ///   ``OrepaError/Code/outOfMemory``, ``OrepaError/Code/cancelled``, ``OrepaError/Code/deadlineExceeded``.
    public func run(
        _ pictures: [Picture], outputs: Outputs = .logits, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> [Result<Answer, OrepaError>] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try OrepaError.check(count: pictures.count, size: Model.memoryPerPicture)
        let wanted = try WantedMaps(outputs, of: self)
        guard !pictures.isEmpty else { return [] }
        try wanted.check(pictureCount: pictures.count, of: self)
        return try withContext(count: pictures.count) { (context) throws(OrepaError) in
            let together = context.network.picturesTogether
            let tensor = context.prepared
            var answers: [Result<Answer, OrepaError>] = []
            // Memory: checked above.
            answers.reserveCapacity(pictures.count)
            var start = 0
            while start < pictures.count {
                let end = min(start + together, pictures.count)
                try limits.check(path: path)
                let prepared = prepare(pictures, start..<end, into: tensor, limits: limits)
                let good = prepared.indices.filter {
                    if case .success = prepared[$0] { true } else { false }
                }
                // Pictures that failed leave gaps, which those behind them fill.
                for (place, index) in good.enumerated() where place != index {
                    try limits.check(path: path)
                    let size = preparation.elementCount
                    (tensor.baseAddress! + place * size).update(
                        from: tensor.baseAddress! + index * size, count: size)
                }
                try limits.check(path: path)
                var found = try run(
                    tensor, count: good.count, in: context.network, wanted: wanted, limits: limits
                )[...]
                for result in prepared {
                    answers.append(
                        result.map { warnings in
                            var answer = found.removeFirst()
                            answer.warnings = warnings
                            return answer
                        })
                }
                start = end
            }
            return answers
        }
    }

    /// What an answer takes beside its values at most, in bytes.
    private static let memoryPerPicture = 1 << 10

    /// Where the values beside the logits come from.
    private struct WantedMaps {
        let features: Bool
        /// Indices into ``Model/stages``.
        let stages: [Int]

        init(_ outputs: Outputs, of model: Model) throws(OrepaError) {
            features = outputs.features
            var stages: [Int] = []
            for name in outputs.stages {
                guard let index = model.stageIndices[name] else {
                    throw OrepaError(
                        .invalidArgument,
                        "stage: expected one of \(model.stages.map(\.name).joined(separator: ", ")), "
                            + "found \(name)")
                }
                stages.append(index)
            }
            self.stages = stages
        }

        /// Values of one picture, logits included.
        private func valueCount(of model: Model) -> Int {
            stages.reduce(model.classCount + (features ? model.featureCount : 0)) {
                $0 + model.stages[$1].shape.elementCount
            }
        }

        /// Checks that the answers of a call are within the model's budget.
        func check(pictureCount: Int, of model: Model) throws(OrepaError) {
            do throws(PlanError) {
                try model.plan.budget.checkAnswers(
                    count: pictureCount, valueCount: valueCount(of: model))
            } catch { throw OrepaError(.invalidArgument, "pictures: \(error)") }
        }
    }

    private struct PreparationCall {
        let pictures: UnsafeBufferPointer<Picture>
        let first: Int
        let preparation: PicturePreparation
        let tensor: UnsafeMutableBufferPointer<Float>
        let limits: CallLimits
        let results: UnsafeMutablePointer<Result<[ImageWarning], OrepaError>>
    }

    /// Prepares pictures of one chunk side by side.
    ///
    /// - Returns: What is odd about each, or why it failed.
    func prepare(
        _ pictures: [Picture], _ range: Range<Int>,
        into tensor: UnsafeMutableBufferPointer<Float>, limits: CallLimits
    ) -> [Result<[ImageWarning], OrepaError>] {
        // Memory: small, as many as pictures run together.
        var results = [Result<[ImageWarning], OrepaError>](
            repeating: .success([]), count: range.count)
        // Files are read here: a worker that waits for a disk would seem to share its processor with somebody, and
        // stay out of the next layers.
        let read = range.map { index in
            do throws(OrepaError) {
                try preparation.checkChannels(
                    of: pictures[index], name: pictures[index].name(place: index))
                return try pictures[index].read(
                    limits: preparation.limits, callLimits: limits)
            } catch {
                results[index - range.lowerBound] = .failure(error)
                return pictures[index]
            }
        }
        read.withUnsafeBufferPointer { pictures in
            results.withUnsafeMutableBufferPointer { results in
                let call = PreparationCall(
                    pictures: pictures, first: range.lowerBound, preparation: preparation,
                    tensor: tensor, limits: limits, results: results.baseAddress!)
                pool.run(range.count, call) { call, item, _ in
                    let call = call.assumingMemoryBound(to: PreparationCall.self)
                    guard case .success = call.pointee.results[item] else { return }
                    let picture = call.pointee.pictures[item]
                    let size = call.pointee.preparation.elementCount
                    call.pointee.results[item] = Result { () throws(OrepaError) in
                        try call.pointee.preparation.prepare(
                            picture,
                            into: UnsafeMutableBufferPointer(
                                rebasing: call.pointee.tensor[item * size..<(item + 1) * size]),
                            name: picture.name(place: call.pointee.first + item),
                            callLimits: call.pointee.limits)
                    }
                }
            }
        }
        return results
    }

    /// Runs the first `count` prepared pictures of `tensor`.
    private func run(
        _ tensor: UnsafeMutableBufferPointer<Float>, count: Int, in context: PlanContext,
        wanted: WantedMaps, limits: CallLimits
    ) throws(OrepaError) -> [Answer] {
        guard count > 0 else { return [] }
        var steps = wanted.stages.map { stageSteps[$0] }
        var sizes = wanted.stages.map { stages[$0].shape.elementCount }
        if wanted.features {
            steps.append(featureStep)
            sizes.append(featureCount)
        }
        let logitMemory: SystemBuffer<Float>
        var mapMemory: [SystemBuffer<Float>] = []
        do throws(MemoryRefusal) {
            logitMemory = try SystemBuffer(count: count * classCount)
            for size in sizes { mapMemory.append(try SystemBuffer(count: count * size)) }
        } catch { throw OrepaError(error) }
        let logits = logitMemory.elements
        let maps = zip(steps, mapMemory).map { step, memory in
            FeatureMapOutput(step: step, buffer: memory.elements)
        }
        defer { withExtendedLifetime((logitMemory, mapMemory)) {} }
        do throws(PlanError) {
            try context.run(
                UnsafeBufferPointer(rebasing: tensor[..<(count * preparation.elementCount)]),
                count: count, logits: logits, maps: maps, limits: limits)
        } catch { throw OrepaError(error, path: path) }
        // The answers' arrays.
        try OrepaError.check(
            count: count,
            size: (classCount + sizes.reduce(0, +)) * MemoryLayout<Float>.size
                + (sizes.count + 1) * Model.memoryPerPicture)
        return try (0..<count).map { (index) throws(OrepaError) in
            try limits.check(path: path)
            func values(_ place: Int) -> [Float] {
                Array(maps[place].buffer[index * sizes[place]..<(index + 1) * sizes[place]])
            }
            return Answer(
                scores: Scores(
                    logits: Array(logits[index * classCount..<(index + 1) * classCount])),
                features: wanted.features ? values(wanted.stages.count) : nil,
                featureMaps: wanted.stages.indices.map {
                    let stage = stages[wanted.stages[$0]]
                    return FeatureMap(name: stage.name, shape: stage.shape, values: values($0))
                },
                warnings: [], labels: labels)
        }
    }

    /// Runs the network on one picture.
    ///
    /// - Throws: ``OrepaError`` of any code that has to do with pictures, arguments, limits and memory.
    public func run(
        _ picture: Picture, outputs: Outputs = .logits, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> Answer {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        return try run([picture], outputs: outputs, limits: limits)[0].get()
    }

    /// The `topK` most probable classes of a picture, most probable first.
    ///
    /// - Throws: As running the network on one picture does, and ``OrepaError/Code/notFinite``.
    public func classify(
        _ picture: Picture, topK: Int = 5, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> [Prediction] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        return try run(picture, limits: limits).top(topK)
    }
}
