import OrepaPlan

/// The memory of one call of a ``Model``.
final class ModelContext {
    let network: PlanContext
    /// Where pictures are prepared: as many as run together.
    let input: PlanInput
    /// Room for the maps that a call wants.
    let maps: UnsafeMutableBufferPointer<FeatureMapOutput>

    /// - Parameters:
    ///   - batch: How many pictures a call will bring.
    ///   - pool: The threads that run it.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses memory.
    init(_ plan: Plan, batch: Int, pool: WorkerPool) throws(PlanError) {
        network = try PlanContext(plan, batch: batch, pool: pool)
        // Pages that no call touches, since it brings tensors or a batch of its own, cost nothing.
        input = try PlanInput(plan, capacity: network.picturesTogether)
        // Memory: small, some words for each of the network's steps.
        maps = .allocate(capacity: plan.featureMaps.count)
    }

    deinit { maps.deallocate() }
}
