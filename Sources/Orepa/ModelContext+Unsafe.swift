import OrepaPlan

/// The memory of one call of a ``Model``.
final class ModelContext {
    let network: PlanContext
    /// Prepared pictures, `[picturesTogether, channels, H, W]`.
    private let tensor: AlignedMemory
    /// Room for the maps that a call wants.
    let maps: UnsafeMutableBufferPointer<FeatureMapOutput>

    /// - Parameters:
    ///   - batch: How many pictures a call will bring.
    ///   - elementCount: Values of a prepared picture.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses memory.
    init(
        _ plan: Plan, batch: Int, elementCount: Int, pool: WorkerPool
    ) throws(PlanError) {
        network = try PlanContext(plan, batch: batch, pool: pool)
        // Pages that no call touches, since it brings tensors of its own, cost nothing.
        tensor = try AlignedMemory(count: network.picturesTogether * elementCount)
        // Memory: small, some words for each of the network's steps.
        maps = .allocate(capacity: plan.featureMaps.count)
    }

    deinit { maps.deallocate() }

    /// Where pictures are prepared; valid for as long as the context is.
    var prepared: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: tensor.base, count: tensor.count)
    }
}
