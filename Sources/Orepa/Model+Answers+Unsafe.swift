import OrepaImage
import OrepaPlan
import OrepaSystem

extension Model {
    /// What an answer takes beside its values at most, in bytes.
    static let memoryPerPicture = 1 << 10

    /// Runs the network on prepared pictures.
    ///
    /// - Parameter warnings: About the picture at a place.
    func answers(
        _ input: PlanInput, _ places: Range<Int>, in context: PlanContext, wanted: WantedMaps,
        limits: CallLimits, warnings: (_ place: Int) -> [ImageWarning]
    ) throws(OrepaError) -> [Answer] {
        let count = places.count
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
            try context.run(input, places: places, logits: logits, maps: maps, limits: limits)
        } catch { throw OrepaError(error, path: path) }
        // The answers' arrays.
        try OrepaError.check(
            count: count,
            size: (classCount + sizes.reduce(0, +)) * MemoryLayout<Float>.size
                + (sizes.count + 1) * Model.memoryPerPicture)
        return try (0..<count).map { (index) throws(OrepaError) in
            try limits.check()
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
                warnings: warnings(places.lowerBound + index), labels: labels)
        }
    }
}
