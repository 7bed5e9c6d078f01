import OrepaCheckpoint
import OrepaNetwork
import OrepaTraining

/// Runs one training-time block on a feature map as training code in evaluation mode does: every branch as
/// a convolution or pooling of its own, with its own batch norm.
///
/// Nothing is folded, and no code is shared with the folding: the two are checked against each other.
/// One tensor of the checkpoint is in memory at a time, and its pages are released after use.
struct BlockInterpreter {
    let block: TrainingBlock

    init(_ block: TrainingBlock) { self.block = block }

    var convolution: Convolution { block.convolution }

    /// The block's output before the ReLU that may follow it.
    func output(of x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        switch block.kind {
        case .convBN: try convolutionAndNorm(BlockNames.convBN, x)
        case .repVGG: try repVGG(x)
        case .orepaRepVGG: try orepaRepVGG(x)
        case .orepa: try orepa(x)
        case .orepa1x1: try orepa1x1(x)
        case .orepaLarge: try orepaLarge(x)
        case .dbb: try diverseBranches(x)
        case .folded: try folded(x)
        }
    }

    /// A convolution that was folded before: weight and bias.
    private func folded(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let names = BlockNames.folded(block.foldedName)
        let y = try convolve(x, names.weight)
        let ones = repeatElement(1.0, count: y.shape.channels)
        return y.scaled(by: ones, plus: try values(names.bias))
    }

    // MARK: Layers

    /// A convolution with the block's stride and groups, the kernel's centre on the pixel.
    func convolve(_ x: FeatureMap, _ name: String) throws(CheckpointError) -> FeatureMap {
        let filter = try filter(name)
        return x.convolved(
            with: filter, stride: convolution.stride, padding: filter.size / 2,
            groups: convolution.groups)
    }

    /// ``convolve(_:_:)`` and a batch norm.
    func convolutionAndNorm(
        _ names: ConvolutionNames, _ x: FeatureMap
    ) throws(CheckpointError) -> FeatureMap {
        try normalize(convolve(x, names.weight), names.norm)
    }

    /// A batch norm with its running statistics: `(x - mean) / sqrt(variance + epsilon) * weight + bias`.
    func normalize(
        _ x: FeatureMap, _ names: BatchNormNames
    ) throws(CheckpointError) -> FeatureMap {
        let weight = try values(names.weight)
        let bias = try values(names.bias)
        let mean = try values(names.mean)
        let variance = try values(names.variance)
        let centred = x.scaled(by: repeatElement(1, count: mean.count), plus: mean.map { -$0 })
        let scales = zip(weight, variance).map { $0 / ($1 + block.batchNormEpsilon).squareRoot() }
        return centred.scaled(by: scales, plus: bias)
    }

    // MARK: Tensors

    func has(_ name: String) -> Bool { block.tensors[name] != nil }

    /// The values of one of the block's tensors.
    ///
    /// - Precondition: the block has it, as every block has all that cannot be recomputed.
    func values(_ name: String) throws(CheckpointError) -> [Double] {
        let tensor = block.tensors[name]!
        defer { tensor.releasePages() }
        return try tensor.doubles()
    }

    /// A tensor of four dimensions. Same precondition as ``values(_:)``.
    func filter(_ name: String) throws(CheckpointError) -> Filter {
        try Filter(block.tensors[name]!)
    }

    /// A buffer that a file may leave out: its values, or nil.
    func buffer(_ name: String) throws(CheckpointError) -> [Double]? {
        has(name) ? try values(name) : nil
    }
}
