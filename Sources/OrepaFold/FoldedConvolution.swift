import OrepaTraining

/// The weights of one convolution with bias, rounded once from Double.
public struct FoldedConvolution: Sendable, Hashable {
    /// `[O, I / groups, k, k]`, row-major.
    public let weight: [Float]
    /// `[O]`.
    public let bias: [Float]
}

/// The single convolution that `block` is equal to in evaluation mode.
///
/// A pure function: equal tensors give equal bits. All arithmetic is in Float64 and the result is rounded
/// once. The pages of each tensor are released (``CheckpointTensor/releasePages()``) when it has been read.
/// Memory: about 20 bytes for each element of the folded weight, freed on return but for the result.
///
/// - Throws: ``FoldError`` naming the tensor that cannot be read or holds a value that is not finite.
public func fold(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    switch block.kind {
    case .convBN: try foldConvBN(block)
    case .repVGG: try foldRepVGG(block)
    case .orepaRepVGG: try foldOREPARepVGG(block)
    case .orepa: try foldOREPA(block)
    case .orepa1x1: try foldOREPA1x1(block)
    case .orepaLarge: try foldOREPALarge(block)
    case .dbb: try foldDBB(block)
    case .folded: try copyFolded(block)
    }
}
