import OrepaTraining

/// A batch norm in evaluation mode as a scale and a shift of each channel.
///
/// It maps `x` to `gamma * (x - mu) / sqrt(s2 + eps) + beta`, with the running mean `mu` and variance `s2`
/// and the block's `eps`. With `t = gamma / sqrt(s2 + eps)` that is `t * x + (beta - mu * t)`, so a convolution
/// `K * x + b` before it becomes `(t K) * x + (t b + beta - mu t)`: Ioffe and Szegedy, arXiv 1502.03167.
struct BatchNorm {
    /// `t`, one per channel.
    let scale: [Double]
    /// `beta - mu * t`, one per channel.
    let shift: [Double]
}

extension TrainingBlock {
    func batchNorm(_ names: BatchNormNames) throws(FoldError) -> BatchNorm {
        let gamma = try doubles(names.weight)
        let beta = try doubles(names.bias)
        let mean = try doubles(names.mean)
        let variance = try doubles(names.variance)
        if let index = variance.firstIndex(where: { $0 + batchNormEpsilon <= 0 }) {
            throw .variance(
                path: path, key: key(names.variance), index: [index],
                epsilon: batchNormEpsilon,
                found: variance[index])
        }
        let scale = zip(gamma, variance).map { $0 / ($1 + batchNormEpsilon).squareRoot() }
        let shift = beta.indices.map { beta[$0] - mean[$0] * scale[$0] }
        return BatchNorm(scale: scale, shift: shift)
    }
}
