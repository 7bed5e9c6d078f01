import OrepaNetwork
import OrepaSystem
import OrepaThreads

extension PlanContext {
    /// Runs the probe of `model`, whose network the plan runs: the picture whose logits the model's file keeps.
    /// That they come out the same shows that weights, kernels and machine do what was verified. Takes as long as one
    /// picture, and about 1 ms to make it.
    ///
    /// Does nothing when the model has no probe, or when the plan is for another size than the model's own.
    ///
    /// - Precondition: the plan is one of the model's network.
    /// - Parameter limits: When to end early.
    /// - Throws: ``PlanError/model(_:)`` with ``ModelFileError/probe(path:numerics:index:expected:found:)`` when the
    ///   bits of a logit differ; ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    public func checkProbe(
        of model: ModelFile, limits: CallLimits = CallLimits()
    ) throws(PlanError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        precondition(plan.graph == model.network.graph, "the plan must be the model's")
        let crop = model.description.preprocessing.crop
        guard let probe = model.description.probe, plan.height == crop, plan.width == crop else {
            return
        }
        // The picture, while it is made and made longer, and the logits.
        try PlanError.check(
            count: 3 * plan.graph.inputChannels * crop * crop + plan.graph.classCount,
            size: MemoryLayout<Float>.size)
        let expected = probe.logits[plan.numerics]
        let picture = try ModelProbe.picture(
            seed: probe.seed, channels: plan.graph.inputChannels, height: crop, width: crop
        ) { () throws(PlanError) in try PlanError.check(limits) }
        let found = try run(picture, count: 1, limits: limits)
        for index in found.indices where found[index].bitPattern != expected[index].bitPattern {
            throw .model(
                .probe(
                    path: model.path, numerics: plan.numerics, index: index,
                    expected: expected[index], found: found[index]))
        }
    }
}
