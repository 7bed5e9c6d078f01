/// What a plan does with its weights in the form that the kernels read, which is up to four times as large as the
/// stored one. All give the same bits.
public enum PlanMemory: String, Sendable, CaseIterable {
    /// Keeps every layer packed: the fastest for all but a few pictures. Packed once; copied from a model's file that holds
    /// them packed and is trusted with that.
    case fast
    /// Keeps none: packs a layer each time before it runs, all into one piece of memory as large as the largest.
    /// Of a mapped model file only the layer at hand is resident. The first picture is answered sooner, since
    /// little memory is touched; each one costs the packing.
    case small
    /// Uses what the model's file holds packed where it is, so that processes share it in the system's cache of
    /// the file. As ``fast`` where the file is not trusted with that, holds nothing that fits or is not mapped.
    case mapped
}

/// Bytes of memory that running a network takes, beside its model file.
public struct PlanMemoryUse: Sendable, Hashable {
    /// Weights in the form that the kernels read, which the ``Plan`` holds and its contexts share.
    public let packedWeights: Int
    /// Of each ``PlanContext``: the feature maps, laid over each other where they do not live at the same time.
    public let featureMaps: Int
    /// Of each ``PlanContext``: what the kernels work in, and with ``PlanMemory/small`` the weights of one layer.
    public let scratch: Int

    /// Of a plan with one context.
    public var total: Int { packedWeights + featureMaps + scratch }
}
