import OrepaTraining

/// A Diverse Branch Block (Ding et al., arXiv 2103.13425): four branches with batch norms of their own,
/// added up. With `t` and `s` the scale and shift of a batch norm ("bn" below):
///
/// - origin, bn: `t[o] W[o]`, shift `s[o]`.
/// - 1x1, bn: the same at the centre.
/// - 1x1 plus identity, bn 1, k x k, bn 2: with `k1 = t1 (W1 + id)`, `b1 = s1`, `k2 = t2 W2`, `b2 = s2`, a
///   sequence of convolutions is one: `K = sum_t k2[o,t,h,w] k1[t,i]`,
///   `b = b2[o] + sum_{t,h,w} k2[o,t,h,w] b1[t]`. Exact at the border, since training pads it with `b1`.
/// - 1x1, bn, average, avgbn: the average is a kernel of `1 / k^2` at `[o, o mod (O / groups)]`, so likewise
///   `K[o,i,h,w] = t_a[o] t[o] W[o,i] / k^2` and `b = s_a[o] + t_a[o] s[o]`.
///
/// With as many groups as output channels the published code drops the 1x1 branch and the average's 1x1,
/// and the third branch begins with a 1x1 of twice the channels without identity.
func foldDBB(_ block: TrainingBlock) throws(FoldError) -> FoldedConvolution {
    var kernel = Kernel(block)
    let names = BlockNames.DBB.self
    let origin = try block.batchNorm(names.origin.norm)
    kernel.add(try block.tapMajor(names.origin.weight), scale: origin.scale)
    var bias = origin.shift
    if block.has(names.pointwise.weight) {
        let norm = try block.batchNorm(names.pointwise.norm)
        kernel.addCentre(try block.doubles(names.pointwise.weight), scale: norm.scale)
        add(norm.shift, to: &bias)
    }
    try addSequence(of: block, to: &kernel, &bias)
    try addAverage(of: block, to: &kernel, &bias)
    return try block.rounded(kernel, bias)
}

/// The branch `dbb_1x1_kxk`.
private func addSequence(
    of block: TrainingBlock, to kernel: inout Kernel, _ bias: inout [Double]
) throws(FoldError) {
    let (groups, outputs) = (kernel.groups, kernel.outputs)
    let names = BlockNames.DBB.self
    let isWidening = block.has(names.wideningPointwise.weight)
    let firstNames = isWidening ? names.wideningPointwise : names.identityPointwise
    let firstNorm = try block.batchNorm(firstNames.norm)
    let secondNorm = try block.batchNorm(names.second.norm)
    var first = try block.doubles(firstNames.weight)
    if !isWidening {
        addIdentity(to: &first, inputs: kernel.inputs)
    }
    scaleRows(&first, by: firstNorm.scale)
    let second = try block.tapMajor(names.second.weight)
    // What the first pair's shift, constant over the picture, becomes behind the second convolution.
    let inner = firstNorm.shift.count / groups
    let row = kernel.taps * inner
    for output in 0..<outputs {
        let start = output / (outputs / groups) * inner
        var sum = 0.0
        for index in 0..<row {
            sum += second[output * row + index] * firstNorm.shift[start + index % inner]
        }
        bias[output] += secondNorm.shift[output] + secondNorm.scale[output] * sum
    }
    kernel.addProduct(second, first, scale: secondNorm.scale)
}

/// The branch `dbb_avg`.
private func addAverage(
    of block: TrainingBlock, to kernel: inout Kernel, _ bias: inout [Double]
) throws(FoldError) {
    let average = [Double](repeating: 1 / Double(kernel.taps), count: kernel.taps)
    let names = BlockNames.DBB.self
    let norm = try block.batchNorm(names.averageNorm)
    add(norm.shift, to: &bias)
    guard block.has(names.averaged.weight) else {
        // Each output channel averages its own input channel, the only one of its group.
        let ones = [Double](repeating: 1, count: kernel.outputs)
        kernel.addFiltered(ones, by: average, scale: norm.scale)
        return
    }
    let first = try block.batchNorm(names.averaged.norm)
    let scale = zip(norm.scale, first.scale).map { $0 * $1 }
    kernel.addFiltered(try block.doubles(names.averaged.weight), by: average, scale: scale)
    for output in bias.indices { bias[output] += norm.scale[output] * first.shift[output] }
}
