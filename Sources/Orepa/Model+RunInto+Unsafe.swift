import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

extension Model {
    /// Runs the network on tensors, into memory of the caller's. Allocates nothing once there is a context.
    ///
    /// - Parameters:
    ///   - tensor: `[count, channels, H, W]`, Float32, row-major, normalised; borrowed, no part of the outputs.
    ///   - count: How many pictures, 0 or more.
    ///   - outputs: Where the values go.
    ///   - limits: When to end early.
    /// - Throws: ``OrepaError`` with ``OrepaError/Code/invalidArgument``, ``OrepaError/Code/outOfMemory``,
    ///   ``OrepaError/Code/cancelled``, ``OrepaError/Code/deadlineExceeded``.
    public func run(
        tensor: UnsafeBufferPointer<Float>, count: Int, into outputs: OutputBuffers,
        limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        try run(
            tensor: tensor, count: count, logits: outputs.logits, features: outputs.features,
            stageCount: outputs.stages.count,
            stage: { (place) throws(OrepaError) in try target(of: outputs.stages[place]) },
            limits: limits)
    }

    /// The same.
    ///
    /// - Parameters:
    ///   - stageCount: How many stages' feature maps are wanted.
    ///   - stage: One of these by its place.
    package func run(
        tensor: UnsafeBufferPointer<Float>, count: Int,
        logits: UnsafeMutableBufferPointer<Float>,
        features: UnsafeMutableBufferPointer<Float>?, stageCount: Int,
        stage: (_ place: Int) throws(OrepaError) -> StageTarget, limits: CallLimits
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        guard 0...Int(Int32.max) ~= count else {
            throw OrepaError(
                .invalidArgument, "count: expected 0 to \(Int32.max) pictures, found \(count)")
        }
        try checkCount("tensor", tensor.count, count, preparation.elementCount)
        try checkCount("logits", logits.count, count, classCount)
        try withContext(count: count) { (context) throws(OrepaError) in
            let maps = try fill(
                context, count: count, features: features, stageCount: stageCount, stage: stage)
            try checkSeparate(logits, maps)
            try checkSeparate(UnsafeRawBufferPointer(tensor), name: "tensor", logits, maps)
            do throws(PlanError) {
                try context.network.run(
                    tensor, count: count, logits: logits, sortedMaps: maps, limits: limits)
            } catch { throw OrepaError(error, path: path) }
        }
    }

    /// Runs the network on any number of pictures, into memory of the caller's. Outputs take no memory of the library's;
    /// preparing pictures takes what it does for a while.
    ///
    /// One picture that cannot be prepared does not fail the others: its values are NaN.
    ///
    /// - Parameters:
    ///   - pictures: Borrowed until the call returns, no part of the outputs.
    ///   - outputs: Where the values go, those of a picture in its place.
    ///   - limits: When to end early.
    /// - Returns: For each picture what is odd about it, or why there are no values.
    /// - Throws: What concerns all of them: ``OrepaError`` with ``OrepaError/Code/invalidArgument``,
    ///   ``OrepaError/Code/outOfMemory``, ``OrepaError/Code/cancelled``, ``OrepaError/Code/deadlineExceeded``.
    public func run(
        _ pictures: [Picture], into outputs: OutputBuffers, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> [Result<[ImageWarning], OrepaError>] {
        try run(
            pictures, logits: outputs.logits, features: outputs.features,
            stageCount: outputs.stages.count,
            stage: { (place) throws(OrepaError) in try target(of: outputs.stages[place]) },
            limits: limits)
    }

    /// The same.
    ///
    /// - Parameters:
    ///   - stageCount: How many stages' feature maps are wanted.
    ///   - stage: One of these by its place.
    package func run(
        _ pictures: [Picture], logits: UnsafeMutableBufferPointer<Float>,
        features: UnsafeMutableBufferPointer<Float>?, stageCount: Int,
        stage: (_ place: Int) throws(OrepaError) -> StageTarget, limits: CallLimits
    ) throws(OrepaError) -> [Result<[ImageWarning], OrepaError>] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        // What a picture's result takes at most, in bytes.
        try OrepaError.check(count: pictures.count, size: 1 << 10)
        try checkCount("logits", logits.count, pictures.count, classCount)
        return try withContext(count: pictures.count) { (context) throws(OrepaError) in
            let maps = Array(
                try fill(
                    context, count: pictures.count, features: features, stageCount: stageCount,
                    stage: stage))
            try maps.withUnsafeBufferPointer { (maps) throws(OrepaError) in
                try checkSeparate(logits, maps)
                for (place, picture) in pictures.enumerated() {
                    guard let memory = picture.borrowedMemory else { continue }
                    try checkSeparate(memory, name: picture.name(place: place), logits, maps)
                }
            }
            let together = context.network.picturesTogether
            var results: [Result<[ImageWarning], OrepaError>] = []
            // Memory: checked above.
            results.reserveCapacity(pictures.count)
            while results.count < pictures.count {
                let rows = results.count..<min(results.count + together, pictures.count)
                try limits.check()
                let prepared = prepare(pictures, rows, into: context.input, limits: limits)
                try run(
                    prepared.map { if case .success = $0 { true } else { false } }, rows, context,
                    logits, maps, limits)
                results += prepared.map { $0.map(\.warnings) }
            }
            return results
        }
    }

    /// Runs those of the prepared pictures that are good, into the outputs' `rows`.
    private func run(
        _ areGood: [Bool], _ rows: Range<Int>, _ context: ModelContext,
        _ logits: UnsafeMutableBufferPointer<Float>, _ maps: [FeatureMapOutput],
        _ limits: CallLimits
    ) throws(OrepaError) {
        var place = 0
        while place < areGood.count {
            try limits.check()
            // Those between two that failed run together.
            let end = areGood[place...].firstIndex { $0 != areGood[place] } ?? areGood.count
            let part = rows.lowerBound + place..<rows.lowerBound + end
            let logits = logits.rows(part, size: classCount)
            let maps = maps.map {
                FeatureMapOutput(
                    step: $0.step, buffer: $0.buffer.rows(part, size: elementCount(of: $0)))
            }
            if areGood[place] {
                do throws(PlanError) {
                    try context.network.run(
                        context.input, places: place..<end, logits: logits, maps: maps,
                        limits: limits)
                } catch { throw OrepaError(error, path: path) }
            } else {
                logits.initialize(repeating: .nan)
                for map in maps { map.buffer.initialize(repeating: .nan) }
            }
            place = end
        }
    }

    // MARK: Outputs

    private func target(of buffer: StageBuffer) throws(OrepaError) -> StageTarget {
        guard let stage = stageIndices[buffer.name] else {
            throw OrepaError(
                .invalidArgument,
                "stage: expected one of \(stages.map(\.name).joined(separator: ", ")), found "
                    + buffer.name)
        }
        return StageTarget(stage: stage, values: buffer.values)
    }

    /// Values of a map for one picture.
    private func elementCount(of map: FeatureMapOutput) -> Int {
        guard let stage = stageSteps.firstIndex(of: map.step) else { return featureCount }
        return stages[stage].shape.elementCount
    }

    private func name(of map: FeatureMapOutput) -> String {
        stageSteps.firstIndex(of: map.step).map { stages[$0].name } ?? "features"
    }

    private func checkCount(
        _ name: String, _ found: Int, _ count: Int, _ size: Int
    ) throws(OrepaError) {
        let (expected, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, found == expected else {
            throw OrepaError(
                .invalidArgument,
                "\(name): expected \(count) x \(size) values, one row for each picture, found \(found)"
            )
        }
    }

    /// The maps that are wanted, checked, in the order of their steps, in memory of the context's.
    private func fill(
        _ context: ModelContext, count: Int, features: UnsafeMutableBufferPointer<Float>?,
        stageCount: Int, stage: (_ place: Int) throws(OrepaError) -> StageTarget
    ) throws(OrepaError) -> UnsafeBufferPointer<FeatureMapOutput> {
        let maps = context.maps
        var filled = 0
        if let features {
            try checkCount("features", features.count, count, featureCount)
            maps.initializeElement(
                at: 0, to: FeatureMapOutput(step: featureStep, buffer: features))
            filled = 1
        }
        guard stageCount <= stages.count else {
            throw OrepaError(
                .invalidArgument, "stages: expected at most \(stages.count), found \(stageCount)")
        }
        for place in 0..<stageCount {
            let target = try stage(place)
            let (name, step) = (stages[target.stage].name, stageSteps[target.stage])
            try checkCount(
                name, target.values.count, count, stages[target.stage].shape.elementCount)
            var slot = filled
            while slot > 0, maps[slot - 1].step >= step {
                guard maps[slot - 1].step > step else {
                    throw OrepaError(
                        .invalidArgument,
                        "stages: expected each stage once, found \(name) again")
                }
                maps.initializeElement(at: slot, to: maps[slot - 1])
                slot -= 1
            }
            maps.initializeElement(
                at: slot, to: FeatureMapOutput(step: step, buffer: target.values))
            filled += 1
        }
        return UnsafeBufferPointer(rebasing: maps[..<filled])
    }

    /// Checks that no output lies in the memory of another one.
    private func checkSeparate(
        _ logits: UnsafeMutableBufferPointer<Float>, _ maps: UnsafeBufferPointer<FeatureMapOutput>
    ) throws(OrepaError) {
        for (index, map) in maps.enumerated() {
            try checkSeparate(
                UnsafeRawBufferPointer(map.buffer), name: name(of: map), logits,
                UnsafeBufferPointer(rebasing: maps[..<index]))
        }
    }

    /// Checks that `memory` is no part of the outputs.
    private func checkSeparate(
        _ memory: UnsafeRawBufferPointer, name: @autoclosure () -> String,
        _ logits: UnsafeMutableBufferPointer<Float>, _ maps: UnsafeBufferPointer<FeatureMapOutput>
    ) throws(OrepaError) {
        guard
            memory.overlaps(UnsafeRawBufferPointer(logits))
                || maps.contains(where: { memory.overlaps(UnsafeRawBufferPointer($0.buffer)) })
        else { return }
        let other = maps.first { memory.overlaps(UnsafeRawBufferPointer($0.buffer)) }
        throw OrepaError(
            .invalidArgument,
            "\(name()): expected memory of its own, found that of \(other.map(self.name(of:)) ?? "logits") too"
        )
    }
}

extension Picture {
    /// The memory of the caller's that it lends.
    fileprivate var borrowedMemory: UnsafeRawBufferPointer? {
        switch content {
        case .borrowedEncoded(let bytes): bytes
        case .pixels(let bytes, _, _, _, _): bytes
        case .borrowedTensor(let values): UnsafeRawBufferPointer(values)
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func overlaps(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let base = baseAddress, let otherBase = other.baseAddress else { return false }
        return base < otherBase + other.count && otherBase < base + count
    }
}

extension UnsafeMutableBufferPointer<Float> {
    /// The values of some pictures, `size` of each.
    fileprivate func rows(
        _ rows: Range<Int>, size: Int
    ) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: self[rows.lowerBound * size..<rows.upperBound * size])
    }
}
