import OrepaNetwork
import OrepaThreads

extension ModelFile {
    /// Runs the probe with fast and with strict numerics, as ``PlanContext/checkProbe(of:limits:)`` does with one of them.
    /// Takes as long as two pictures with ``PlanMemory/small``. A model without a probe is planned and not run.
    ///
    /// - Throws: ``PlanError/model(_:)`` with ``ModelFileError/probe(path:numerics:index:expected:found:)`` when the
    ///   bits of a logit differ, and what planning and running throw.
    public func checkProbe(
        budget: ModelBudget = .default, pool: WorkerPool
    ) throws(PlanError) {
        for numerics in Numerics.allCases {
            let plan = try Plan(
                self, numerics: numerics, memory: .small, budget: budget, pool: pool)
            try PlanContext(plan, pool: pool).checkProbe(of: self)
        }
    }
}
