import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

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

    func check(
        _ name: String, _ found: Int, _ shape: String, _ count: Int, _ size: Int
    ) throws(OrepaError) {
        // Neither factor is 2^31 or more.
        guard found == count * size else {
            throw OrepaError(
                .invalidArgument,
                "\(name): expected \(shape), \(count * size) values, found \(found)")
        }
    }

    /// Runs the network on any number of pictures, ``picturesTogether`` at a time. Where there is one or more for each thread,
    /// each runs pictures of its own.
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
            var answers: [Result<Answer, OrepaError>] = []
            // Memory: checked above.
            answers.reserveCapacity(pictures.count)
            var start = 0
            while start < pictures.count {
                let end = min(start + together, pictures.count)
                try limits.check()
                let prepared = prepare(
                    pictures, start..<end, into: context.input, limits: limits)
                answers += try run(prepared, in: context, wanted: wanted, limits: limits)
                start = end
            }
            return answers
        }
    }

    /// Runs the pictures of a chunk, those between two that failed together.
    private func run(
        _ prepared: [Result<PreparedPicture, OrepaError>], in context: ModelContext,
        wanted: WantedMaps, limits: CallLimits
    ) throws(OrepaError) -> [Result<Answer, OrepaError>] {
        var answers: [Result<Answer, OrepaError>] = []
        var files: [PreparedPicture] = []
        for result in prepared + [nil] {
            if case .success(let file)? = result {
                files.append(file)
                continue
            }
            try limits.check()
            let places = answers.count..<answers.count + files.count
            let found = try self.answers(
                context.input, places, in: context.network, wanted: wanted, limits: limits,
                warnings: { files[$0 - places.lowerBound].warnings })
            answers += found.map { .success($0) }
            files = []
            if case .failure(let error)? = result { answers.append(.failure(error)) }
        }
        return answers
    }

    private struct PreparationCall {
        let pictures: UnsafeBufferPointer<Picture>
        let first: Int
        let preparation: PicturePreparation
        let input: PlanInput
        let limits: CallLimits
        let results: UnsafeMutablePointer<Result<PreparedPicture, OrepaError>>
    }

    /// Prepares pictures of one chunk side by side.
    ///
    /// - Returns: What the file of each says, or why it failed.
    func prepare(
        _ pictures: [Picture], _ range: Range<Int>, into input: PlanInput, limits: CallLimits
    ) -> [Result<PreparedPicture, OrepaError>] {
        // Memory: small, as many as pictures run together.
        var results = [Result<PreparedPicture, OrepaError>](
            repeating: .success(.pixels), count: range.count)
        // Files are read here: a worker that waits for a disk would seem to share its processor with somebody, and
        // stay out of the next layers.
        let read = range.map { index in
            do throws(OrepaError) {
                try preparation.checkChannels(
                    of: pictures[index], name: pictures[index].name(place: index))
                return try pictures[index].read(
                    limits: preparation.limits,
                    callLimits: limits.joined(with: pictures[index].limits))
            } catch {
                results[index - range.lowerBound] = .failure(error)
                return pictures[index]
            }
        }
        read.withUnsafeBufferPointer { pictures in
            results.withUnsafeMutableBufferPointer { results in
                let call = PreparationCall(
                    pictures: pictures, first: range.lowerBound, preparation: preparation,
                    input: input, limits: limits, results: results.baseAddress!)
                pool.run(range.count, call) { call, item, _ in
                    let call = call.assumingMemoryBound(to: PreparationCall.self)
                    guard case .success = call.pointee.results[item] else { return }
                    let picture = call.pointee.pictures[item]
                    call.pointee.results[item] = Result { () throws(OrepaError) in
                        try call.pointee.preparation.prepare(
                            picture, into: call.pointee.input, at: item,
                            name: picture.name(place: call.pointee.first + item),
                            callLimits: call.pointee.limits)
                    }
                }
            }
        }
        return results
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
