import OrepaTraining

/// A RepVGG block (Ding et al., arXiv 2101.03697): a k x k convolution, a 1x1 one and the identity, each
/// with a batch norm, added up.
///
/// Convolution is linear in its kernel, so the sum of the branches is the convolution with the sum of their
/// kernels. A 1x1 kernel is a 3x3 one that is zero but at its centre, and the identity is a 1x1 kernel with
/// a one at `[o, o mod (I / groups)]`; zero padding keeps both exact at the border:
/// `K[o] = t_d[o] dense[o] + centre(t_1[o] pointwise[o] + t_i[o] e[o mod (I / groups)])`, and the shifts add.
func foldRepVGG(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    let norm = try block.batchNorm(BlockNames.RepVGG.dense.norm)
    var kernel = Kernel(block)
    kernel.add(try block.tapMajor(BlockNames.RepVGG.dense.weight), scale: norm.scale)
    var bias = norm.shift
    try addPointwiseAndIdentity(of: block, to: &kernel, &bias)
    return try block.rounded(kernel, bias)
}

/// Adds the 1x1 branch and, when present, the identity.
func addPointwiseAndIdentity(
    of block: TrainingBlock, to kernel: inout Kernel, _ bias: inout [Double]
) throws(FoldError) {
    let names = BlockNames.RepVGG.self
    let norm = try block.batchNorm(names.pointwise.norm)
    kernel.addCentre(try block.doubles(names.pointwise.weight), scale: norm.scale)
    add(norm.shift, to: &bias)
    guard block.has(names.identity.weight) else { return }
    let identity = try block.batchNorm(names.identity)
    kernel.addIdentity(scale: identity.scale)
    add(identity.shift, to: &bias)
}

/// Adds `values` element by element.
func add(_ values: [Double], to sum: inout [Double]) {
    for index in sum.indices { sum[index] += values[index] }
}

extension Kernel {
    /// All zeros, of the size of the block's folded convolution.
    init(_ block: TrainingBlock) {
        let convolution = block.convolution
        self.init(
            outputs: convolution.outputChannels,
            inputs: convolution.inputChannels / convolution.groups, size: convolution.kernel,
            groups: convolution.groups)
    }
}
