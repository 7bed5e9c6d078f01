/// What decides a network's answers and is in no state dict: assumed, or said by whoever had the checkpoint converted.
public struct NetworkAssumptions: Sendable, Hashable {
    /// How a ResNet begins.
    public enum Stem: String, Sendable, CaseIterable {
        /// A convolution of stride 2, then a 3x3 max pool of stride 2, as for pictures of ImageNet's size.
        case imageNet = "imagenet"
        /// A convolution of stride 1 and no pool, as for pictures of 32x32.
        case small
    }

    /// Of the first convolution, then of the first block of each stage.
    public let strides: [Int]
    /// nil for a RepVGG, whose `stage0` is a block like any other.
    public let stem: Stem?
    /// Whether a 3x3 max pool of stride 2 follows the first convolution.
    public let hasStemPool: Bool
    /// What every batch norm adds to its variance; nil where the checkpoint had no batch norm, since it was folded.
    public let batchNormEpsilon: Double?
    /// Dotted path of the state dict within the checkpoint; nil where it was the file itself.
    public let stateDict: String?
    /// Height and width that the network is used with, in pixels; nil where that plays no role.
    public let inputSize: Int?

    public init(
        strides: [Int], stem: Stem?, hasStemPool: Bool, batchNormEpsilon: Double?,
        stateDict: String?, inputSize: Int?
    ) {
        self.strides = strides
        self.stem = stem
        self.hasStemPool = hasStemPool
        self.batchNormEpsilon = batchNormEpsilon
        self.stateDict = stateDict
        self.inputSize = inputSize
    }

    /// The same for pictures of `size` pixels a side where nothing is known of theirs.
    public func onPictures(ofSize size: Int?) -> NetworkAssumptions {
        NetworkAssumptions(
            strides: strides, stem: stem, hasStemPool: hasStemPool,
            batchNormEpsilon: batchNormEpsilon, stateDict: stateDict,
            inputSize: inputSize ?? size)
    }

    /// The same with what a model file `recorded`: the size of its pictures, and where it is the network's own file what
    /// its folded tensors do not tell any more.
    public func completed(by recorded: NetworkAssumptions?, isSameFile: Bool) -> NetworkAssumptions
    {
        guard let recorded else { return self }
        return NetworkAssumptions(
            strides: strides, stem: stem, hasStemPool: hasStemPool,
            batchNormEpsilon: isSameFile ? recorded.batchNormEpsilon : batchNormEpsilon,
            stateDict: isSameFile ? recorded.stateDict : stateDict,
            inputSize: inputSize ?? recorded.inputSize)
    }
}
