import OrepaTraining

/// A convolution and its batch norm: `K'[o] = t[o] K[o]`, `b'[o] = beta[o] - mu[o] t[o]`.
///
/// Nothing is summed over, so each weight is scaled where it is: the fold takes no memory beside its result.
func foldConvBN(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    let norm = try block.batchNorm("bn")
    let (convolution, name) = (block.convolution, "conv.weight")
    let bias = try rounded(
        norm.shift, shape: [norm.shift.count], path: block.path,
        name: "\(convolution.parameters).bias")
    guard let tensor = block.tensors[name],
        var weight = try exactFloats(tensor, path: block.path, key: block.key(name))
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
    let parameters = block.convolution.parameters
    let name = parameters.dropFirst(block.prefix.count + 1)
    func values(_ suffix: String) throws(FoldError) -> [Float] {
        let part = "\(name).\(suffix)"
        guard let tensor = block.tensors[part] else {
            preconditionFailure("block `\(block.prefix)` was recognised without `\(part)`")
        }
        return try rounded(
            tensor, path: block.path, key: block.key(part), name: "\(parameters).\(suffix)")
    }
    return FoldedConvolution(weight: try values("weight"), bias: try values("bias"))
}
