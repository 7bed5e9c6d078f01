import OrepaPlan

/// Where the values come from that a call gives beside the logits.
struct WantedMaps {
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
