import OrepaTraining

/// A convolution and its batch norm: `K'[o] = t[o] K[o]`, `b'[o] = beta[o] - mu[o] t[o]`.
///
/// Nothing is summed over, so each weight is scaled where it is: the fold takes no memory beside its result.
func foldConvBN(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    let norm = try block.batchNorm(BlockNames.convBN.norm)
    let (convolution, name) = (block.convolution, BlockNames.convBN.weight)
    let bias = try rounded(
        norm.shift, shape: [norm.shift.count], path: block.path,
        name: "\(convolution.parameters).bias")
    guard let tensor = block.tensors[name],
        var weight = try exactFloats(tensor, path: block.path, key: tensor.name)
    else {
        var weight = try block.doubles(name)
        scaleRows(&weight, by: norm.scale)
        return FoldedConvolution(
            weight: try rounded(
                weight, shape: convolution.weightShape, path: block.path,
                name: "\(convolution.parameters).weight"),
            bias: bias)
    }
    scaleRows(&weight, by: norm.scale)
    if let flat = firstNotFinite(weight) {
        throw .overflow(
            path: block.path, tensor: "\(convolution.parameters).weight",
            index: indices(of: flat, in: convolution.weightShape), found: "\(weight[flat])")
    }
    return FoldedConvolution(weight: weight, bias: bias)
}

/// A block that is folded already: its weight and bias as they are.
func copyFolded(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    func values(_ name: String) throws(FoldError) -> [Float] {
        guard let tensor = block.tensors[name] else {
            preconditionFailure("block `\(block.name)` was recognised without `\(name)`")
        }
        return try rounded(
            tensor, path: block.path, key: tensor.name, name: "\(block.name).\(name)")
    }
    let names = BlockNames.folded(block.foldedName)
    return FoldedConvolution(weight: try values(names.weight), bias: try values(names.bias))
}
