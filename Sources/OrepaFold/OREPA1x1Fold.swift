import OrepaTraining

/// An OREPA 1x1 block (Hu et al., arXiv 2204.00826): a 1x1 convolution beside two in sequence, then one
/// batch norm: `K[o,i] = v[0][o] origin[o,i] + v[1][o] sum_t conv2[o,t] conv1[t,i]`, times `t[o]`.
func foldOREPA1x1(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    let norm = try block.batchNorm(BlockNames.OREPA1x1.norm)
    var kernel = Kernel(block)
    let vector = try block.doubles(BlockNames.OREPA1x1.vector)
    func row(_ index: Int) -> [Double] {
        norm.scale.indices.map { vector[index * norm.scale.count + $0] * norm.scale[$0] }
    }
    kernel.addCentre(try block.doubles(BlockNames.OREPA1x1.origin), scale: row(0))
    let first = try block.doubles(BlockNames.OREPA1x1.first)
    let second = try block.doubles(BlockNames.OREPA1x1.second)
    kernel.addProduct(second, first, scale: row(1))
    return try block.rounded(kernel, norm.shift)
}
